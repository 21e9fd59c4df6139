import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, FileSystem, Option, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { merge, plots } from "../../plots/plots.ts"
import { read } from "../../plots/read.ts"
import { UsageError } from "../../shared/main.ts"
import * as html from "../page/html.ts"

const host = "127.0.0.1"

export interface Options {
  readonly folder: string
  /** 0 is any that is free. */
  readonly port: number
  /** What the viewers of the live page are told, from the newest on. */
  readonly updates: Stream.Stream<Uint8Array>
}

/**
 * Serves the live page at `/`, and a page of each record of the folder at its name, for as long as the scope is open.
 * Answers this machine only, to `GET` only, and knows nothing outside the folder. Returns its address.
 */
export const serve = Effect.fnUntraced(function*({ folder, port, updates }: Options) {
  const page = yield* html.make
  const live = page({ plots: plots(merge([])), isLive: true })

  const server = createServer()
  const { serve } = yield* NodeHttpServer.make(() => server, { host, port, gracefulShutdownTimeout: 0 }).pipe(
    Effect.catchTag(
      "ServeError",
      ({ cause }) => Effect.fail(new UsageError(`--port ${port} cannot be served: ${(cause as Error).message}`))
    )
  )
  // Viewers stay for as long as they are let.
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  const bound = (server.address() as AddressInfo).port
  const names = new Set([host, "localhost"].flatMap((name) => [`${name}:${bound}`, ...bound === 80 ? [name] : []]))

  const answer = Effect.gen(function*() {
    const { headers, method, url } = yield* HttpServerRequest.HttpServerRequest
    // A page from elsewhere whose name was made to lead here is not this one.
    if (!names.has(headers["host"] ?? "")) return status(421)
    if (method !== "GET") return HttpServerResponse.setHeader(status(405), "allow", "GET")
    const [asked] = url.split("?") as [string]
    if (asked === "/") return htmlResponse(live)
    if (asked === "/events") {
      return HttpServerResponse.stream(updates, { contentType: "text/event-stream", headers: secure })
    }
    const file = yield* fileIn(folder, asked)
    if (Option.isNone(file)) return status(404)
    return htmlResponse(page({ plots: plots(yield* read([file.value])), isLive: false }))
  })
  yield* serve(answer)
  return `http://${host}:${bound}/`
})

/** The record or journal that a path of an address means, if it is inside the folder also when links are followed. */
const fileIn = Effect.fnUntraced(function*(folder: string, asked: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.gen(function*() {
    const name = yield* Effect.try(() => decodeURIComponent(asked))
    const inside = yield* fs.realPath(folder)
    const file = yield* fs.realPath(path.join(folder, name))
    const { type } = yield* fs.stat(file)
    return file.startsWith(inside + path.sep) && /\.jsonl?$/.test(file) && type === "File" ? Option.some(file) : none
  }).pipe(Effect.orElseSucceed(() => none))
})

const none = Option.none<string>()

const secure = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

const status = (status: number) => HttpServerResponse.empty({ status, headers: secure })

const htmlResponse = (text: string) =>
  HttpServerResponse.text(text, { contentType: "text/html; charset=utf-8", headers: secure })
