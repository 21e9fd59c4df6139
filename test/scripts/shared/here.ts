/** Runs scripts within the process of a test, which is quick; how a process ends is another matter. */
import { Console, Effect } from "effect"
import { type AnyCommand, run as runCommand, statusOf } from "../../../scripts/shared/main.ts"
import type { Ended } from "./script.ts"

const commandOf = (name: string) =>
  Effect.promise(async () => (await import(`../../../scripts/${name}.ts`)).command as AnyCommand<string, {}, {}>)

/** What a process of its own would leave. */
export const run = Effect.fnUntraced(function*(name: string, args: ReadonlyArray<string>) {
  let [stdout, stderr] = ["", ""]
  const exit = yield* runCommand(yield* commandOf(name), args).pipe(
    Effect.provideService(Console.Console, {
      ...console,
      log: (text: string) => void (stdout += `${text}\n`),
      error: (text: string) => void (stderr += `${text}\n`)
    }),
    Effect.exit
  )
  return { status: statusOf(exit, 130), stdout, stderr } satisfies Ended
})
