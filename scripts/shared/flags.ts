/** The flags that scripts have in common. */
import { Effect, FileSystem, Option } from "effect"
import { Flag, Param } from "effect/cli"
import { defaultFolder } from "./local-cluster.ts"

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

const portNumber = (text: string) => Option.filter(positiveInteger(text), (port) => port <= 65_535)

/** A flag that takes the number of a port, and may be left out. */
export const port = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("integer"),
    Flag.filterMap(portNumber, () => "an integer from 1 to 65535"),
    Flag.withDescription(description),
    Flag.optional
  )

/**
 * The same flag or argument for a path, but an empty one is refused, which would be the working directory, and what
 * stands under a file does not exist, which would be an error of its own.
 */
export const strictPath = <Kind extends Param.ParamKind>(
  path: Param.Param<Kind, string>
): Param.Param<Kind, string> => {
  if (!Param.isSingle(path)) return path
  const { parse } = path.primitiveType
  return Param.makeSingle({
    ...path,
    primitiveType: {
      ...path.primitiveType,
      parse: (text) =>
        text === "" ? Effect.fail("a path") : Effect.updateService(parse(text), FileSystem.FileSystem, (fs) => ({
          ...fs,
          exists: (file) => Effect.orElseSucceed(fs.exists(file), () => false)
        }))
    }
  })
}

/** A flag that is on or off, by default off. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

export const sizes = {
  jobs: count("jobs", 50, "How many jobs"),
  count: count("count", 10_000_000, "How many sines a job computes, eight bytes each"),
  workers: count("workers", 3, "How many jobs run at the same time")
}

export const experiment = {
  ...sizes,
  executor: Flag.Literals("executor", ["thread", "process", "inline", "cluster"]).pipe(
    Flag.withDescription("Where the workers are (thread)"),
    Flag.withDefault("thread")
  ),
  kernel: Flag.Literals("kernel", ["math", "simd"]).pipe(
    Flag.withDescription("How the sines are computed: by Math.sin, or two at a time in WebAssembly (math)"),
    Flag.withDefault("math")
  )
}

/** Which cluster. */
export const cluster = {
  databaseUrl: Flag.String("database-url").pipe(
    Flag.withDescription("The cluster's Postgres, by default the one that scripts/cluster.ts up starts"),
    Flag.optional
  ),
  results: Flag.Path("results").pipe(
    strictPath,
    Flag.withDescription(
      "The folder that runners and readers share for large results, by default the one that up makes, or with " +
        "--database-url the database"
    ),
    Flag.optional
  ),
  data: Flag.Path("data").pipe(
    strictPath,
    Flag.withDescription("Where scripts/cluster.ts up keeps its data (results/cluster)"),
    Flag.withDefault(defaultFolder)
  )
}

const isRunName = (name: string) => name.length > 0 && name.length <= 100

/** A run that can be taken up again. */
export const resume = {
  run: Flag.String("run").pipe(
    Flag.withMetavar("name"),
    Flag.filter(isRunName, () => "a name of 1 to 100 characters"),
    Flag.withDescription("A name for the run: started again under it, it does what was not finished (cluster only)"),
    Flag.optional
  ),
  retryFailed: toggle("retry-failed", "Run the jobs of --run again that failed")
}

const isHttp = (url: string) => ["http:", "https:"].includes(URL.parse(url)?.protocol ?? "")

/** Where to watch it. */
export const otlp = Flag.String("otlp").pipe(
  Flag.withMetavar("url"),
  Flag.filter(isHttp, () => "a URL of http or https"),
  Flag.withDescription("Send spans and metrics to the OTLP collector at this URL, such as http://localhost:4318"),
  Flag.optional
)

export const json = toggle("json", "Print JSON on standard output, and nothing else")

export const result = {
  out: Flag.Path("out").pipe(
    strictPath,
    Flag.withDescription("The file of the record, which ends in .json, by default one in results/"),
    Flag.optional
  ),
  force: toggle("force", "Overwrite the record, and skip the check of free memory where there is one"),
  quiet: toggle("quiet", "Print nothing while running"),
  json: toggle("json", "Print the record on standard output, and nothing else")
}
