/** `review watch`: the page of a folder's newest runs, live. */
import { Console, Effect, Option, PubSub, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Sse } from "effect/encoding"
import { merge, newest, type Plots, plots } from "../plots/plots.ts"
import { json, strictPath } from "../shared/flags.ts"
import { resultFolder } from "../shared/place.ts"
import { type Folder, keepUp } from "./watch/keepUp.ts"
import { serve } from "./watch/serve.ts"

/** What a viewer is told: all that the page shows, so who comes late or misses something loses nothing. */
export interface Update {
  readonly plots: Plots
  readonly files: ReadonlyArray<string>
}

const portNumber = (text: string) =>
  /^\d+$/.test(text) && Number(text) < 2 ** 16 ? Option.some(Number(text)) : Option.none()

export const watch = Command.make(
  "watch",
  {
    folder: Argument.Directory("folder").pipe(
      strictPath,
      Argument.withDescription("Where the records and journals are, or will be (results)"),
      Argument.withDefault(resultFolder)
    ),
    port: Flag.String("port").pipe(
      Flag.withMetavar("integer"),
      Flag.filterMap(portNumber, () => "a port from 0 to 65535"),
      Flag.withDescription("Where to serve on 127.0.0.1 (any port that is free)"),
      Flag.withDefault(0)
    ),
    json
  },
  Effect.fn("watch")(function*({ folder, json, port }) {
    const updates = yield* PubSub.sliding<Uint8Array>({ capacity: 1, replay: 1 })
    const url = yield* serve({ folder, port, updates: Stream.fromPubSub(updates) })
    yield* Console.log(json ? JSON.stringify({ url, folder }) : `${url} shows the runs in ${folder} (Ctrl-C ends it)`)

    let latest: (() => Folder) | undefined = nothing
    const publish = Effect.suspend(() => {
      if (latest === undefined) return Effect.void
      const update = encode(latest())
      latest = undefined
      return PubSub.publish(updates, update)
    })
    return yield* Effect.raceFirst(
      keepUp(folder, (now) => latest = now),
      Effect.forever(Effect.andThen(publish, Effect.sleep("500 millis")))
    )
  }, Effect.scoped)
).pipe(Command.withDescription("Serve a page that follows the runs in a folder"))

const nothing = (): Folder => ({ files: [], contents: merge([]) })

const encoder = new TextEncoder()

/** Once for all viewers. */
const encode = ({ contents, files }: Folder): Uint8Array => {
  const update: Update = { plots: plots(newest(contents)), files }
  return encoder.encode(
    Sse.encoder.write({ _tag: "Event", event: "message", id: undefined, data: JSON.stringify(update) })
  )
}
