import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schedule } from "effect"
import fs from "node:fs/promises"
import http from "node:http"
import net from "node:net"
import os from "node:os"
import path from "node:path"
import { colorOf } from "../../../scripts/plots/chart.ts"
import type { Update } from "../../../scripts/review/watch.ts"
import { browser, noBrowser, open } from "../../shared/browser.ts"
import { environment, runRecord, sample } from "../../shared/records.ts"
import { readRecord } from "../shared/record.ts"
import * as script from "../shared/script.ts"

/** Watches a folder, and waits for the address. */
const watch = Effect.fnUntraced(function*(folder: string) {
  const running = yield* script.startScript("review", ["watch", folder, "--json"])
  yield* script.until(() => running.printed().includes("\n"))
  const { url } = JSON.parse(running.printed()) as { readonly url: string }
  return { ...running, url }
})

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
}

/** Asks for a path as it is: nothing is resolved on the way. */
const ask = (url: string, pathname: string, { headers = {}, method = "GET" }: Asked = {}) =>
  Effect.promise(() =>
    new Promise<http.IncomingMessage>((resolve, reject) => {
      const { hostname, port } = new URL(url)
      http.request({ hostname, port, path: pathname, method, headers, agent: false }, (answer) => {
        resolve(answer.resume())
      }).on("error", reject).end()
    })
  )

/** A viewer who keeps what was told last. */
const view = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly last: () => Update | undefined; readonly answer: http.IncomingMessage }>((resolve) => {
        http.get(new URL("events", url), { agent: false }, (answer) => {
          let text = ""
          answer.setEncoding("utf8").on("data", (more: string) => {
            text += more
            // What is told whole is all that matters.
            const end = text.lastIndexOf("\n\n")
            if (end > 0) text = text.slice(text.lastIndexOf("data: ", end))
          }).on("error", () => {})
          resolve({
            answer,
            last: () => text.includes("\n\n") ? JSON.parse(text.slice(6, text.indexOf("\n\n"))) as Update : undefined
          })
        })
      })
    ),
    ({ answer }) => Effect.sync(() => answer.destroy())
  )

const eventually = (isSo: () => Promise<boolean>) =>
  Effect.promise(isSo).pipe(Effect.repeat({ until: (so) => so, schedule: Schedule.spaced("20 millis") }))

const small = ["--jobs", "6", "--count", "2000000", "--workers", "2", "--quiet"]

const statuses = (update: Update | undefined) => update?.plots.runs.map(({ label, status }) => [label, status])

describe("scripts/review.ts watch", () => {
  it.live("shows a sample soon after it was journalled, and what a killed run left", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const { url } = yield* watch(folder)
      const viewer = yield* view(url)
      const journal = path.join(folder, "run.jsonl")
      const { parameters, startedAt } = runRecord
      const start = {
        _tag: "Start",
        version: 1,
        pid: process.pid,
        script: "made-up",
        startedAt,
        environment,
        parameters
      }
      const note = (event: object) => Effect.promise(() => fs.appendFile(journal, `${JSON.stringify(event)}\n`))
      yield* note(start)
      const took: Array<number> = []
      for (let n = 1; n <= 5; n++) {
        yield* note({ _tag: "Sample", cpuMs: 1, ...sample(n, n * 1e6) })
        const from = performance.now()
        yield* script.until(() => viewer.last()?.plots.runs[0]?.memory.at(-1)?.[1] === n)
        took.push(performance.now() - from)
      }
      assert.isBelow(Math.min(...took), 2000)
      assert.deepStrictEqual(statuses(viewer.last()), [["made-up", "running"]])

      // As if its process were gone.
      yield* script.write(
        path.join(folder, "gone.jsonl"),
        `${JSON.stringify({ ...start, script: "gone", pid: 2 ** 30 })}\n{`
      )
      yield* script.until(() => viewer.last()?.plots.runs.length === 2)
      assert.deepStrictEqual(statuses(viewer.last())!.toSorted(), [["gone", "killed"], ["made-up", "running"]])
      assert.deepStrictEqual(viewer.last()!.files, ["gone.jsonl", "run.jsonl"])
      yield* script.until(() => viewer.last()!.plots.unreadable.length > 0)
      assert.include(viewer.last()!.plots.unreadable[0]!.file, "gone.jsonl")

      // As if it were run again, too quickly for its journal to be seen.
      yield* script.write(path.join(folder, "gone.json"), JSON.stringify({ ...runRecord, script: "again" }))
      yield* Effect.promise(() => fs.rm(path.join(folder, "gone.jsonl")))
      yield* script.until(() => viewer.last()!.files.join() === "gone.json,run.jsonl")
      yield* script.until(() => statuses(viewer.last())!.join().includes("again,completed"))
    }))

  it.live("answers this machine only, GET only, knows nothing outside the folder, and is shown by no other page", () =>
    Effect.gen(function*() {
      const outer = yield* script.folder
      const folder = path.join(outer, "results")
      yield* Effect.promise(() => fs.mkdir(path.join(folder, "inner"), { recursive: true }))
      const record = JSON.stringify(runRecord)
      for (const name of ["secret.json", "results/inside.json", "results/inner/inside.json", "results/notes.txt"]) {
        yield* script.write(path.join(outer, name), record)
      }
      yield* Effect.promise(() => fs.symlink(path.join(outer, "secret.json"), path.join(folder, "link.json")))
      yield* Effect.promise(() => fs.symlink(outer, path.join(folder, "linked")))
      const { url } = yield* watch(folder)
      const statusOf = (pathname: string, asked?: Asked) =>
        Effect.map(ask(url, pathname, asked), ({ statusCode }) => statusCode)

      for (const inside of ["/", "/inside.json", "/inner/inside.json", "/inner/../inside.json"]) {
        assert.strictEqual(yield* statusOf(inside), 200, inside)
      }
      const outside = [
        "/../secret.json",
        "/%2e%2e/secret.json",
        "/..%2fsecret.json",
        "/%2e%2e%2fsecret.json",
        "/..%5csecret.json",
        "/inner/../../secret.json",
        "/%252e%252e/secret.json",
        path.join(outer, "secret.json"),
        `/${path.join(outer, "secret.json")}`,
        "/link.json",
        "/linked/secret.json",
        "/inside.json%00",
        "/inside.json%00.json",
        "/%",
        "/missing.json",
        "/notes.txt",
        "/inner",
        `/${"a".repeat(5000)}.json`
      ]
      for (const pathname of outside) assert.strictEqual(yield* statusOf(pathname), 404, pathname)

      for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]) {
        const { headers, statusCode } = yield* ask(url, "/", { method })
        assert.deepStrictEqual([statusCode, headers["allow"]], [405, "GET"], method)
      }
      const answers = yield* Effect.forEach(["/", "/inside.json", "/missing.json"], (pathname) => ask(url, pathname))
      for (const { headers } of [...answers, (yield* view(url)).answer]) {
        assert.deepInclude(headers, {
          "cache-control": "no-store",
          "cross-origin-resource-policy": "same-origin",
          "referrer-policy": "no-referrer",
          "x-content-type-options": "nosniff"
        })
      }
      const { host, port } = new URL(url)
      assert.strictEqual(yield* statusOf("/", { headers: { host: `localhost:${port}` } }), 200)
      for (const other of ["evil.example", `evil.example:${port}`, `${host}.evil.example`]) {
        assert.strictEqual(yield* statusOf("/", { headers: { host: other } }), 421, other)
      }
      const addresses = Object.values(os.networkInterfaces()).flat().filter((each) => each?.internal === false)
      for (const { address } of addresses.flatMap((each) => each ?? [])) {
        const refused = yield* Effect.promise(() =>
          new Promise<boolean>((resolve) => {
            const socket = net.connect(Number(port), address, () => resolve(false)).on("error", () => resolve(true))
            socket.once("close", () => socket.destroy())
          })
        )
        assert.isTrue(refused, `${address} is not this machine's own`)
      }
    }))

  it.live("serves 200 viewers of a run, of whom some read nothing, and lets go of all at Ctrl-C", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const watching = yield* watch(folder)
      const viewers = yield* Effect.forEach(Array.from({ length: 200 }), () => view(watching.url), { concurrency: 20 })
      const [asleep, awake] = [viewers.slice(0, 20), viewers.slice(20)]
      for (const { answer } of asleep) answer.pause()
      const ran = yield* script.run("eager", [...small, "--out", path.join(folder, "eager.json")])
      assert.deepStrictEqual(ran, { status: 0, stdout: "", stderr: "" })
      const { jobs, summary } = yield* readRecord(path.join(folder, "eager.json"))
      yield* script.until(() => awake.every(({ last }) => statuses(last())?.[0]?.[1] === "completed"))
      for (const { last } of awake) {
        const [run] = last()!.plots.runs
        assert.deepStrictEqual(run!.record.summary, summary)
        assert.deepStrictEqual(run!.jobs, { all: jobs.length, succeeded: jobs.length })
      }
      yield* script.signal(watching.pid, "SIGINT")
      const ended = yield* Effect.timeoutOption(watching.ended, "5 seconds")
      assert.deepStrictEqual(Option.map(ended, ({ status, stderr }) => [status, stderr]), Option.some([130, ""]))
    }))

  it.live("says which port it cannot have", () =>
    Effect.gen(function*() {
      const { url } = yield* watch(yield* script.folder)
      const { port } = new URL(url)
      const [taken, bad] = yield* script.together(
        script.run("review", ["watch", "--port", port]),
        script.run("review", ["watch", "--port", "70000"])
      )
      assert.deepStrictEqual([taken.status, taken.stdout], [2, ""])
      assert.include(taken.stderr, port)
      assert.deepStrictEqual([bad.status, bad.stdout], [2, ""])
      assert.include(bad.stderr, "a port from 0 to 65535")
    }))

  describe.skipIf(noBrowser !== undefined)(`in Chromium${noBrowser ? ` (${noBrowser})` : ""}`, () => {
    it.live("follows runs one after the other, from before there is a folder, and shows all again when reloaded", () =>
      Effect.gen(function*() {
        const folder = path.join(yield* script.folder, "results")
        const { url } = yield* watch(folder)
        const { complaints, page } = yield* open(yield* browser, url)
        const says = (text: string) =>
          eventually(async () => (await page.getByRole("status").innerText()).includes(text))
        const row = (name: string) => page.locator("#runs-title ~ .table tbody tr", { hasText: name })
        yield* says("No run is in progress.")
        yield* Effect.promise(() => fs.mkdir(folder))

        const first = yield* script.startScript("eager", [
          ...script.busyLoops,
          "--quiet",
          "--out",
          path.join(folder, "eager.json")
        ])
        yield* says("In progress: eager.")
        yield* Effect.promise(() => page.locator(`#memory svg path[stroke="${colorOf(0)}"]`).first().waitFor())
        yield* script.signal(first.pid, "SIGINT")
        assert.strictEqual((yield* first.ended).status, 130)
        yield* says("No run is in progress.")
        yield* script.run("lazy", [...small, "--out", path.join(folder, "lazy.json")])
        for (const isReloaded of [false, true]) {
          if (isReloaded) yield* Effect.promise(() => page.reload())
          for (const [name, status] of Object.entries({ eager: "interrupted", lazy: "completed" })) {
            yield* eventually(async () =>
              (await row(name).count()) === 1 && (await row(name).innerText()).includes(status)
            )
            const { summary } = yield* readRecord(path.join(folder, `${name}.json`))
            assert.include(
              yield* Effect.promise(() => row(name).innerText()),
              `${(summary.peakRssBytes / 1e6).toFixed(0)} MB`
            )
          }
          assert.strictEqual(yield* Effect.promise(() => page.getByRole("checkbox").count()), 2)
        }
        yield* Effect.promise(() => page.getByRole("link", { name: "eager.json" }).click())
        yield* Effect.promise(() => page.locator("#lanes svg").waitFor())
        assert.strictEqual(page.url(), `${url}eager.json`)
        assert.deepStrictEqual(complaints, [])
      }))
  })
})
