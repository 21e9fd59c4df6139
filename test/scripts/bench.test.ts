import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { chmodSync, existsSync, globSync, readFileSync } from "node:fs"
import path from "node:path"
import { RunRecord } from "../../lib/mod.ts"
import { cases } from "../../scripts/bench/cases.ts"
import { peerNames } from "../../scripts/bench/pools.ts"
import { commandOf } from "../../scripts/shared/processes.ts"
import * as here from "./shared/here.ts"
import * as script from "./shared/script.ts"

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(RunRecord.BenchRecord))

const readBench = (file: string) => Effect.flatMap(script.read(file), decode)

const pools = peerNames.filter((name) => name !== "concurrent.futures")

describe("scripts/bench.ts", () => {
  it.live("measures each subject of a case, and tells how ours compare with the best peer", () =>
    Effect.gen(function*() {
      const out = path.join(yield* script.folder, "bench.json")
      const peers = ["--peer", "poolifier", "--peer", "effect-rpc"]
      const ended = yield* script.run("bench", ["--quick", "--case", "payload-1kb-array", ...peers, "--out", out])
      assert.deepStrictEqual([ended.status, ended.stderr], [0, ""])
      assert.match(ended.stdout, /effect-futures: [\d.]+× \(.*\) the jobs per second of [\w-]+, the best peer/)

      const { cases: [measured], status } = yield* readBench(out)
      assert.strictEqual(status, "completed")
      assert.deepStrictEqual(
        measured!.subjects.map(({ name, role }) => [name, role]),
        [["worker_threads", "floor"], ["poolifier", "peer"], ["effect-rpc", "peer"], ["effect-futures", "ours"]]
      )
      for (const { name, samples } of measured!.subjects) {
        assert.lengthOf(samples, 1, name)
        assert.isAbove(samples[0]!.jobs!, 0, name)
        assert.isAbove(samples[0]!.wallMs, 0, name)
        assert.include(ended.stdout, name)
      }
    }))

  it.live("measures one peer of each case where it is quick", () =>
    Effect.gen(function*() {
      const out = path.join(yield* script.folder, "bench.json")
      const { status } = yield* script.run("bench", ["--quick", "--case", "uneven", "--case", "map", "--out", out])
      assert.strictEqual(status, 0)
      assert.deepStrictEqual(
        (yield* readBench(out)).cases.map(({ subjects }) => subjects.map(({ name }) => name)),
        [["worker_threads", "piscina", "effect-futures"], ["chunks of 1", "chunks of auto"]]
      )
    }))

  it.live("takes as many samples as it is told, of the peers that are named", () =>
    Effect.gen(function*() {
      const out = path.join(yield* script.folder, "bench.json")
      const args = ["--case", "interrupt", "--peer", "tinypool", "--rounds", "2", "--out", out, "--json"]
      const { status, stderr, stdout } = yield* script.run("bench", args)
      assert.deepStrictEqual([status, stderr], [0, ""])
      assert.strictEqual(stdout, yield* script.read(out))
      const { cases: [measured] } = yield* readBench(out)
      assert.deepStrictEqual(
        measured!.subjects.map(({ name, samples }) => [name, samples.length]),
        [["worker_threads", 2], ["tinypool", 2], ["effect-futures", 2]]
      )
    }))

  it.live("refuses a case and a peer that there is not, and names those that there are, and a choice of kernel", () =>
    Effect.gen(function*() {
      const [noCase, noPeer, kernel] = yield* script.together(
        script.run("bench", ["--case", "nope"]),
        script.run("bench", ["--peer", "nope"]),
        script.run("bench", ["--kernel", "simd"])
      )
      assert.strictEqual(kernel.status, 2)
      assert.include(kernel.stderr, "--kernel")
      for (const { status, stderr } of [noCase, noPeer]) {
        assert.strictEqual(status, 2)
        assert.include(stderr, `"nope"`)
      }
      for (const { name } of cases) assert.include(noCase.stderr, `"${name}"`)
      for (const name of peerNames) assert.include(noPeer.stderr, `"${name}"`)
    }))

  it.live("says of which subject there is no sample, exits with 1 and records that it failed", () =>
    Effect.gen(function*() {
      const out = path.join(yield* script.folder, "bench.json")
      vi.stubEnv("NODE_OPTIONS", "--import=data:text/javascript,process.exit(0)")
      const { status, stderr } = yield* here.run("bench", ["--quick", "--case", "start", "--out", out])
      assert.deepStrictEqual([status, stderr], [1, "No sample of worker_threads in the case start\n"])
      const { cases, status: recorded } = yield* readBench(out)
      assert.deepStrictEqual([recorded, cases], ["failed", []])
    }).pipe(Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs()))))

  const keeps = "leaves out CPython where there is none, says so, and keeps what it has measured when it is"
  const signals = [["interrupted", "SIGINT", 130], ["killed", "SIGKILL", 137]] as const
  it.live.each(signals)(`${keeps} %s`, ([status, signal, exitCode]) =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const out = path.join(folder, "bench.json")
      const sizes = ["--jobs", "100000", "--count", "1000", "--workers", "1", "--rounds", "1"]
      const chosen = ["--case", "start", "--case", "experiment", "--peer", "concurrent.futures"]
      const args = [...chosen, ...sizes, "--out", out]
      const running = yield* script.startScript("bench", args, { env: { PATH: folder } })
      // It is written after each case.
      yield* script.until(() => existsSync(out))
      yield* script.signal(running.pid, signal)
      const ended = yield* running.ended
      assert.strictEqual(ended.status, exitCode)
      assert.strictEqual(ended.stderr, "concurrent.futures is left out: there is no python3\n")
      const record = yield* readBench(out)
      assert.strictEqual(record.status, status)
      assert.deepStrictEqual(record.cases.map(({ name }) => name), ["start"])
    }))

  it.live("leaves no server of a cluster behind when it is interrupted", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      // Its server may run as another user than this process.
      chmodSync(folder, 0o755)
      const sample = ["scripts/bench/sample.ts", "cluster-map", "effect-futures map", JSON.stringify({ quick: false })]
      const running = yield* script.start(process.execPath, ["--expose-gc", ...sample], { env: { TMPDIR: folder } })
      const pidFiles = () => globSync(path.join(folder, "effect-futures-bench-*", "postgres", "data", "postmaster.pid"))
      yield* script.until(() => pidFiles().some((file) => readFileSync(file, "utf8").includes("ready")))
      const server = Number(readFileSync(pidFiles()[0]!, "utf8").split("\n")[0])
      // As an interrupted benchmark does.
      yield* script.signalGroup(running.pid, "SIGTERM")
      assert.deepStrictEqual(yield* running.ended, { status: 143, stdout: "", stderr: "" })
      // It gives up its folder a moment before it ends.
      yield* script.until(() => commandOf(server) === "")
      assert.deepStrictEqual(globSync(path.join(folder, "effect-futures-bench-*")), [])
    }), 60_000)
})

describe("the pools of the benchmark", () => {
  it.live("do the same work", () =>
    Effect.gen(function*() {
      const running = yield* script.startNode(["test/programs/bench-pools.ts"])
      const { stderr, stdout } = yield* running.ended
      assert.strictEqual(stderr, "")
      const came = { noop: null, spin: null, echo: { text: "a", list: [1, 2] }, fill: [3, 3, 3], pass: [1, 2, 3] }
      assert.deepStrictEqual(
        stdout.trim().split("\n").map((line): unknown => JSON.parse(line)),
        ["worker_threads", ...pools].map((name) => [name, { ...came, hasMoved: true, map: [1, 2] }])
      )
    }))
})

describe("the cases of the benchmark", () => {
  it("have each a name of their own, and subjects with names of their own, ours among them", () => {
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
    for (const { name, subjects } of cases) {
      assert.strictEqual(new Set(subjects.map((subject) => subject.name)).size, subjects.length, name)
      assert.isTrue(subjects.some(({ role }) => role === "ours"), name)
    }
  })
})
