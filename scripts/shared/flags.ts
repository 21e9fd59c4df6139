/** The flags that the scripts of the experiment have in common. */
import { Option } from "effect"
import { Flag } from "effect/cli"

const positiveInteger = (text: string) =>
  Number.isSafeInteger(Number(text)) && Number(text) > 0 ? Option.some(Number(text)) : Option.none()

/** A flag that takes a positive integer. */
export const count = (name: string, value: number, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("integer"),
    Flag.filterMap(positiveInteger, () => "a positive integer"),
    Flag.withDescription(`${description} (${value})`),
    Flag.withDefault(value)
  )

/** A flag that is on or off, by default off. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

export const experiment = {
  jobs: count("jobs", 50, "How many jobs"),
  count: count("count", 10_000_000, "How many sines a job computes, eight bytes each"),
  workers: count("workers", 3, "How many jobs run at the same time"),
  executor: Flag.Literals("executor", ["thread", "process", "inline"]).pipe(
    Flag.withDescription("Where the workers are (thread)"),
    Flag.withDefault("thread")
  ),
  kernel: Flag.Literals("kernel", ["math", "simd"]).pipe(
    Flag.withDescription("How the sines are computed: by Math.sin, or two at a time in WebAssembly (math)"),
    Flag.withDefault("math")
  )
}

export const json = toggle("json", "Print JSON on standard output, and nothing else")

export const result = {
  out: Flag.Path("out").pipe(Flag.withDescription("Where the record goes, by default into results/"), Flag.optional),
  force: toggle("force", "Overwrite the record, and run with too little memory"),
  quiet: toggle("quiet", "Print nothing while running"),
  json: toggle("json", "Print the record on standard output, and nothing else")
}
