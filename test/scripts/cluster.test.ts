import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { chmodSync, existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { gunzipSync } from "node:zlib"
import { freePort } from "../../scripts/shared/postgres.ts"
import { commandOf } from "../../scripts/shared/processes.ts"
import { connection, Database } from "../shared/cluster.ts"
import { makeProxy } from "../shared/proxy.ts"
import * as here from "./shared/here.ts"
import { readRecord } from "./shared/record.ts"
import * as script from "./shared/script.ts"

/** A cluster of so many runners, for the time of a test; tells the flags that name it. */
const startCluster = (runners: number, flags: ReadonlyArray<string> = []) =>
  Effect.acquireRelease(
    Effect.gen(function*() {
      const folder = yield* script.folder
      // Its server may run as another user than this process.
      chmodSync(folder, 0o755)
      const data = path.join(folder, "cluster")
      const args = ["up", "--runners", String(runners), "--detach", "--data", data, ...flags]
      const { status, stderr, stdout } = yield* script.run("cluster", args)
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      assert.include(
        stdout,
        `${runners === 1 ? "1 runner is" : `${runners} runners are`} up; ` +
          `npx tsx scripts/lazy.ts --executor cluster --data ${data} uses ${runners === 1 ? "it" : "them"}\n`
      )
      return ["--data", data]
    }),
    (where) => script.run("cluster", ["down", ...where])
  )

const statusOf = (where: ReadonlyArray<string>) =>
  Effect.map(script.run("cluster", ["status", "--json", ...where]), ({ stdout }) => JSON.parse(stdout))

describe("scripts/cluster.ts", () => {
  it.live("starts a cluster that a script uses, tells what it does, and stops it", () =>
    Effect.gen(function*() {
      const where = yield* startCluster(2)
      const again = yield* script.run("cluster", ["up", ...where])
      assert.deepStrictEqual([again.status, again.stderr.includes("stop it by scripts/cluster.ts down")], [2, true])

      const folder = yield* script.folder
      const out = path.join(folder, "run.json")
      const small = ["--jobs", "6", "--count", "200000", "--workers", "2", "--executor", "cluster"]
      const { status, stderr } = yield* script.run("lazy", [...small, ...where, "--out", out])
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
      const record = yield* readRecord(out)
      assert.strictEqual(record.parameters["executor"], "cluster")
      const before = yield* statusOf(where)
      const addresses = before.runners.map(({ address }: { readonly address: string }) => address)
      assert.lengthOf(addresses, 2)
      for (const job of record.jobs) {
        assert.deepStrictEqual([job.status, job.resultBytes], ["succeeded", 1_600_000])
        assert.include(addresses, job.runner)
      }
      assert.deepInclude(before.jobs, { waiting: 0, running: 0, done: 6, failed: 0 })

      // One more, which joins.
      const runner = yield* script.startScript("cluster", ["runner", ...where, "--workers", "3"])
      yield* statusOf(where).pipe(Effect.repeat({ until: ({ runners }) => runners.length === 3 }))
      const shown = yield* script.run("cluster", ["status", ...where])
      assert.strictEqual(
        shown.stdout.split("\n").filter((line) => line.includes(":") && line.includes(" 0 ")).length,
        3
      )
      yield* script.signal(runner.pid, "SIGTERM")
      assert.strictEqual((yield* runner.ended).status, 143)
      assert.lengthOf((yield* statusOf(where)).runners, 2)

      const left = yield* script.startScript("cluster", ["runner", ...where])
      yield* statusOf(where).pipe(Effect.repeat({ until: ({ runners }) => runners.length === 3 }))
      const down = yield* script.run("cluster", ["down", ...where])
      assert.strictEqual(down.status, 0)
      assert.match(down.stderr, /^Runner \S+ was not started by up and loses its database: stop it as well\n$/)
      for (const { pid } of before.runners) assert.strictEqual(commandOf(pid), "")
      yield* script.signal(left.pid, "SIGTERM")
      assert.strictEqual((yield* left.ended).status, 143)
      const gone = yield* script.run("cluster", ["status", ...where])
      assert.strictEqual(gone.status, 2)
      assert.match(gone.stderr, /^No cluster is up on this machine: start one by npx tsx scripts\/cluster\.ts up/)
    }), 120_000)

  it.live("takes a run up again that was killed, and its record says what it took over", () =>
    Effect.gen(function*() {
      const where = yield* startCluster(2)
      const folder = yield* script.folder
      const args = ["--jobs", "12", "--count", "5000000", "--workers", "2", "--executor", "cluster", ...where]
      const first = yield* script.startScript("lazy", [
        ...args,
        "--run",
        "tuesday",
        "--out",
        path.join(folder, "1.json")
      ])
      yield* script.until(() => first.printed().split(" return\n").length > 4)
      yield* script.signal(first.pid, "SIGKILL")
      const { stdout } = yield* first.ended
      const finished = stdout.split(" return\n").length - 1

      const out = path.join(folder, "2.json")
      const second = yield* script.run("lazy", [...args, "--run", "tuesday", "--out", out])
      assert.deepStrictEqual([second.status, second.stderr], [0, ""])
      const { jobs } = yield* readRecord(out)
      assert.isTrue(jobs.every(({ resultBytes, status }) => status === "succeeded" && resultBytes === 40_000_000))
      const takenOver = jobs.filter((job) => job.takenOver === true)
      assert.isAtLeast(takenOver.length, finished)
      assert.isBelow(takenOver.length, 12)
    }), 120_000)

  it.live(
    "tells a collector of spans from the script to its runner, and Prometheus of its jobs",
    () =>
      Effect.gen(function*() {
        const received: Array<{ readonly url: string; readonly body: string }> = []
        const collector = yield* script.listen((request, response) => {
          const parts: Array<Buffer> = []
          request.on("data", (part: Buffer) => parts.push(part)).on("end", () => {
            const body = Buffer.concat(parts)
            const isPacked = request.headers["content-encoding"] === "gzip"
            received.push({ url: request.url!, body: (isPacked ? gunzipSync(body) : body).toString() })
            response.end("{}")
          })
        })
        const otlp = ["--otlp", `http://127.0.0.1:${collector}`]
        const where = yield* startCluster(1, [...otlp, "--workers", "2", "--module", "lib/jobs/sin.ts"])
        const metrics = yield* freePort
        const before = yield* statusOf(where)
        assert.include(
          commandOf(before.runners[0].pid),
          ` --workers 2 ${otlp.join(" ")} --module ${path.join(script.root, "lib/jobs/sin.ts")} `
        )
        const args = ["runner", ...where, ...otlp, "--metrics-port", String(metrics)]
        const watched = yield* script.startScript("cluster", args)
        yield* statusOf(where).pipe(Effect.repeat({ until: ({ runners }) => runners.length === 2 }))
        yield* script.signal(before.runners[0].pid, "SIGKILL")
        const folder = yield* script.folder
        const small = ["--jobs", "3", "--count", "10", "--workers", "1", "--executor", "cluster"]
        const ended = yield* script.run("lazy", [...small, ...where, ...otlp, "--out", path.join(folder, "run.json")])
        assert.deepStrictEqual([ended.status, ended.stderr], [0, ""])
        // The figures are published once a second.
        yield* Effect.promise(async () => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).pipe(
          Effect.repeat({ until: (page) => /^effect_futures_finished_jobs\{executor="\d+"\} 3$/m.test(page) })
        )
        yield* script.signal(watched.pid, "SIGTERM")
        yield* watched.ended

        const spans = received.filter(({ url }) => url === "/v1/traces").flatMap(({ body }) =>
          JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: any) => scopeSpans.flatMap(({ spans }: any) => spans))
        )
        const lazy = spans.find(({ name }) => name === "lazy")
        const ran = spans.filter(({ name }) => name === "runner sin")
        assert.lengthOf(ran, 3)
        for (const { parentSpanId, traceId } of ran) {
          assert.deepStrictEqual([traceId, parentSpanId], [lazy.traceId, lazy.spanId])
        }
        assert.deepStrictEqual(spans.map(({ name }) => name).toSorted(), [
          "lazy",
          "runner sin",
          "runner sin",
          "runner sin"
        ])
        assert.isTrue(
          received.some(({ body, url }) => url === "/v1/metrics" && body.includes("effect_futures_busy_workers"))
        )
      }),
    120_000
  )

  it.live(
    "stops what is its own and nothing else, and kills a runner that does not stop",
    () =>
      Effect.gen(function*() {
        const where = yield* startCluster(1)
        const file = path.join(where[1]!, "cluster.json")
        const cluster = JSON.parse(yield* script.read(file))
        // As after a restart of the machine, when others have the numbers of the runners and the server.
        const other = yield* script.start("sleep", ["600"])
        yield* script.write(file, JSON.stringify({ ...cluster, runners: [other.pid, ...cluster.runners] }))
        yield* script.signal(cluster.runners[0], "SIGSTOP")
        const down = yield* script.run("cluster", ["down", ...where])
        assert.strictEqual(down.status, 0)
        assert.match(down.stderr, new RegExp(`^Runner ${cluster.runners[0]} did not stop and was killed: .*\\n$`))
        yield* script.until(() => !script.isAlive(cluster.runners[0]))
        assert.isTrue(script.isAlive(other.pid))

        const pidFile = path.join(where[1]!, "data", "postmaster.pid")
        yield* script.write(pidFile, `${other.pid}\n${path.dirname(pidFile)}\n0\n${yield* freePort}\n\n\n\nready\n`)
        const up = yield* script.run("cluster", ["up", "--runners", "1", "--detach", ...where])
        assert.deepStrictEqual({ status: up.status, stderr: up.stderr }, { status: 0, stderr: "" })
        assert.isTrue(script.isAlive(other.pid))
      }),
    120_000
  )

  it.live(
    "does not wait for a runner that has ended, and that nobody has reaped, as in many a container",
    () =>
      Effect.gen(function*() {
        const data = yield* script.folder
        const command = [process.execPath, "-e", "setInterval(() => {}, 1000)", "x", "runner", "--data", data, "x"]
        const parent = yield* script.start("sh", ["-c", `"$@" & echo $!; exec sleep 12`, "sh", ...command])
        yield* script.until(() => parent.printed().endsWith("\n"))
        const cluster = {
          databaseUrl: "postgres://127.0.0.1/db",
          ownsDatabase: false,
          runners: [Number(parent.printed())]
        }
        yield* script.write(path.join(data, "cluster.json"), JSON.stringify(cluster))
        const { status, stderr } = yield* script.run("cluster", ["down", "--data", data])
        assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
        assert.isTrue(script.isAlive(parent.pid))
      }),
    60_000
  )

  it.live(
    "stops a server that has not started yet when it is told to stop",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        chmodSync(folder, 0o755)
        const data = path.join(folder, "cluster")
        const up = yield* script.startScript("cluster", ["up", "--runners", "1", "--data", data])
        yield* script.until(() => existsSync(path.join(data, "data", "PG_VERSION")))
        yield* script.signal(up.pid, "SIGTERM")
        const { status, stderr } = yield* up.ended
        assert.deepStrictEqual({ status, stderr }, { status: 143, stderr: "" })
        assert.include(yield* script.read(path.join(data, "data", "log")), "database system is shut down\n")
        assert.isFalse(existsSync(path.join(data, "cluster.json")))
      }),
    60_000
  )

  it.live(
    "stops all that it has started at a Ctrl-C that ends the compiler of tsx as well",
    () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        chmodSync(folder, 0o755)
        const data = path.join(folder, "cluster")
        const up = yield* script.startScript("cluster", ["up", "--runners", "1", "--data", data], {
          env: { TSX_DISABLE_CACHE: "1" }
        })
        yield* script.until(() => existsSync(path.join(data, "runner-0.log")))
        yield* script.signalGroup(up.pid, "SIGINT")
        yield* up.ended
        assert.isFalse(existsSync(path.join(data, "data", "postmaster.pid")))
        assert.isFalse(existsSync(path.join(data, "cluster.json")))
      }),
    60_000
  )

  it.live("ends what shows a cluster that is taken down", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      chmodSync(folder, 0o755)
      const data = path.join(folder, "cluster")
      const up = yield* script.startScript("cluster", ["up", "--runners", "1", "--data", data])
      yield* script.until(() => up.printed().includes("1 runner is up"))
      assert.deepStrictEqual(yield* here.run("cluster", ["down", "--data", data]), {
        status: 0,
        stdout: "",
        stderr: ""
      })
      const { status, stderr, stdout } = yield* up.ended
      assert.deepStrictEqual([status, stderr, stdout.split("\n").at(-2)], [0, "", "The cluster was taken down"])
    }), 60_000)

  it.live("starts one cluster of several that are to start in one folder", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      chmodSync(folder, 0o755)
      const where = ["--data", path.join(folder, "cluster")]
      const up = script.run("cluster", ["up", "--runners", "1", "--detach", ...where])
      const ups = yield* Effect.all([up, up], { concurrency: 2 }).pipe(
        Effect.ensuring(script.run("cluster", ["down", ...where]))
      )
      assert.deepStrictEqual(ups.map(({ status }) => status).toSorted(), [0, 2])
      const refused = ups.find(({ status }) => status === 2)!
      assert.strictEqual(
        refused.stderr,
        `A cluster is up in ${where[1]}: stop it by scripts/cluster.ts down first\n`
      )
    }), 120_000)

  it.live("stops the server of a cluster that was killed while it started", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      chmodSync(folder, 0o755)
      const data = path.join(folder, "cluster")
      const up = yield* script.startScript("cluster", ["up", "--runners", "1", "--data", data])
      const pidFile = path.join(data, "data", "postmaster.pid")
      yield* script.until(() => existsSync(pidFile))
      yield* script.signal(up.pid, "SIGSTOP")
      yield* script.until(() => readFileSync(pidFile, "utf8").includes("ready"))
      const server = Number(readFileSync(pidFile, "utf8").split("\n")[0])
      yield* script.signal(up.pid, "SIGKILL")
      const down = yield* script.run("cluster", ["down", "--data", data])
      assert.deepStrictEqual([down.status, down.stderr], [0, ""])
      assert.strictEqual(commandOf(server), "")

      // Before its server is there.
      yield* script.write(path.join(data, "cluster.json"), `{"ownsDatabase":true,"runners":[]}`)
      const status = yield* script.run("cluster", ["status", "--data", data])
      assert.deepStrictEqual([status.status, status.stderr.includes("No cluster is up on this machine")], [2, true])
      assert.strictEqual((yield* script.run("cluster", ["down", "--data", data])).status, 0)
      assert.isFalse(existsSync(path.join(data, "cluster.json")))
    }), 60_000)

  it.live("says of a runner's module that it ends the process", () =>
    Effect.gen(function*() {
      const module = path.join(yield* script.folder, "exits.ts")
      yield* script.write(module, "process.exit(0)")
      const { status, stderr } = yield* script.run("cluster", ["runner", "--module", module])
      assert.deepStrictEqual([status, stderr], [
        2,
        `--module ${module} ends the process when it is imported: expected a module that makes jobs, its own program ` +
        "after if (import.meta.main)\n"
      ])
    }), 60_000)

  it.live("says of a runner's module that it cannot be imported, or exports no job", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [missing, none] = [path.join(folder, "missing.ts"), path.join(folder, "none.ts")]
      yield* script.write(none, `export default null; export const run = { name: "run", run: () => {} }`)
      const noImport = yield* here.run("cluster", ["runner", "--module", missing])
      assert.deepStrictEqual([noImport.status, noImport.stdout], [2, ""])
      assert.match(noImport.stderr, /^--module \S+missing\.ts cannot be imported: .*missing\.ts/)
      assert.deepStrictEqual(yield* here.run("cluster", ["runner", "--module", none]), {
        status: 2,
        stdout: "",
        stderr: `--module ${none} exports no job: expected one or more\n`
      })
    }))

  it.live("takes a job once that a runner's modules export more often", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [jobs, more] = [path.join(folder, "jobs.ts"), path.join(folder, "more.ts")] as const
      const job = new URL("../jobs/values.ts", import.meta.url).href
      yield* script.write(jobs, `import { square } from "${job}"; export { square, square as default }`)
      yield* script.write(more, `export * from "./jobs.ts"`)
      const nowhere = ["--database-url", "postgres://me:secret@127.0.0.1:1/db"]
      const { stderr } = yield* script.run("cluster", ["runner", "--module", jobs, "--module", more, ...nowhere])
      assert.include(stderr, "nothing listens at 127.0.0.1:1")
    }), 60_000)

  it.live("says what is wrong before it starts anything", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      chmodSync(folder, 0o755)
      const port = yield* script.listen(() => {})
      const data = ["--data", path.join(folder, "cluster")]
      const nowhere = ["--executor", "cluster", "--database-url", "postgres://me:secret@127.0.0.1:1/db"]
      yield* script.write(path.join(folder, "cluster.json"), `{"databaseUrl":"postgr`)
      const [taken, odd, away, thread, retry, down, torn, compare, compareAway] = yield* Effect.all([
        here.run("cluster", ["up", "--port", String(port), ...data]),
        here.run("cluster", ["up", "--port", "99999", ...data]),
        here.run("lazy", [...nowhere, "--out", path.join(folder, "none.json")]),
        here.run("lazy", ["--run", "wednesday", "--out", path.join(folder, "none.json")]),
        here.run("lazy", ["--retry-failed", "--out", path.join(folder, "none.json")]),
        here.run("cluster", ["down", ...data]),
        here.run("cluster", ["status", "--data", folder]),
        here.run("compare", ["--run", "wednesday", "--out", path.join(folder, "none.json")]),
        here.run("compare", [...nowhere, "--out", path.join(folder, "none.json")])
      ])
      assert.deepStrictEqual([taken.status, taken.stderr], [
        2,
        `Postgres could not be started: port ${port} is taken: expected another --port, or none for a free one\n`
      ])
      assert.strictEqual(odd.status, 2)
      assert.match(odd.stderr, /--port: "99999"\. Expected: an integer from 1 to 65535/)
      assert.strictEqual(away.status, 2)
      assert.match(
        away.stderr,
        /^The cluster's database at postgres:\/\/me@127\.0\.0\.1:1\/db cannot be used: nothing listens/
      )
      assert.deepStrictEqual([thread.status, thread.stderr], [
        2,
        "--run wednesday needs --executor cluster: other executors keep no results\n"
      ])
      assert.deepStrictEqual([retry.status, retry.stderr], [
        2,
        "--retry-failed needs --executor cluster: other executors keep no results\n"
      ])
      assert.deepStrictEqual([compare.status, compare.stdout], [2, ""])
      assert.include(compare.stderr, "--run wednesday needs --executor cluster")
      assert.deepStrictEqual([compareAway.status, compareAway.stdout], [2, ""])
      assert.include(compareAway.stderr, "cannot be used: nothing listens")
      assert.isFalse(existsSync(path.join(folder, "none.json")))
      assert.deepStrictEqual([down.status, down.stderr], [2, `No cluster is up in ${data[1]}\n`])
      assert.strictEqual(torn.status, 2)
      assert.include(torn.stderr, `${path.join(folder, "cluster.json")} does not say which cluster is up: Expected`)
    }), 60_000)
})

layer(Database.layer, { excludeTestServices: true })("scripts/cluster.ts with a database that is named", (it) => {
  it.effect(
    "keeps large results there, for runners that share no folder, and stops nothing that is not its own",
    () =>
      Effect.gen(function*() {
        const { url } = yield* Database
        const where = yield* startCluster(1, ["--database-url", url])
        const large = ["--jobs", "4", "--count", "200000", "--workers", "2", "--executor", "cluster"]
        const { status, stderr } = yield* script.run("lazy", [
          ...large,
          ...where,
          "--out",
          path.join(where[1]!, "run.json")
        ])
        assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
        assert.isFalse(existsSync(path.join(where[1]!, "results")))

        // Another's, which does not lose its database.
        yield* SqlClient.use((sql) =>
          sql`INSERT INTO effect_futures_runners (address, pid, workers, jobs, seen_at)
            VALUES ('another', 1, 1, '[]', now() + interval '1 hour')`
        ).pipe(Effect.provide(connection))
        assert.deepStrictEqual(yield* here.run("cluster", ["down", ...where]), { status: 0, stdout: "", stderr: "" })
      }),
    120_000
  )

  it.effect("stays up while that is away", () =>
    Effect.gen(function*() {
      const { port, url } = yield* Database
      const proxy = yield* makeProxy(port)
      const data = path.join(yield* script.folder, "cluster")
      const databaseUrl = url.replace(`:${port}/`, `:${proxy.port}/`)
      const args = ["up", "--runners", "1", "--data", data, "--database-url", databaseUrl]
      const up = yield* script.startScript("cluster", args)
      yield* script.until(() => up.printed().includes("1 runner is up"))
      yield* proxy.cut
      // It looks once a second, and gives up after three.
      yield* Effect.sleep("5 seconds")
      yield* proxy.mend
      assert.isTrue(script.isAlive(up.pid))
      yield* here.run("cluster", ["down", "--data", data])
      const { status, stderr } = yield* up.ended
      assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: "" })
    }), 60_000)

  it.effect("says which runner did not start, and leaves no cluster", () =>
    Effect.gen(function*() {
      const { url } = yield* Database
      const data = path.join(yield* script.folder, "cluster")
      const args = ["--data", data, "--database-url", url, "--module", path.join(data, "missing.ts")]
      const log = path.join(data, "runner-0.log")
      assert.deepStrictEqual(yield* here.run("cluster", ["up", "--runners", "1", ...args]), {
        status: 2,
        stdout: "",
        stderr: `A runner did not start: see ${log}\n`
      })
      assert.include(yield* script.read(log), "missing.ts cannot be imported")
      assert.isFalse(existsSync(path.join(data, "cluster.json")))
    }), 60_000)
})
