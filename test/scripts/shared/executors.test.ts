import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { argumentsOf } from "../../../scripts/shared/executors.ts"

describe("argumentsOf", () => {
  const choice = {
    jobs: 1,
    count: 2,
    workers: 3,
    executor: "cluster",
    kernel: "simd",
    data: "-a folder",
    databaseUrl: Option.none(),
    results: Option.none(),
    run: Option.none(),
    retryFailed: false
  } as const
  const always = ["--jobs=1", "--count=2", "--workers=3", "--executor=cluster", "--kernel=simd", "--data=-a folder"]

  it("tells another script all that was chosen, and nothing else", () => {
    assert.deepStrictEqual(argumentsOf(choice), always)
    const all = {
      ...choice,
      databaseUrl: Option.some("postgres://db"),
      results: Option.some("-results"),
      run: Option.some("-monday"),
      retryFailed: true
    }
    assert.deepStrictEqual(argumentsOf(all), [
      ...always,
      "--database-url=postgres://db",
      "--results=-results",
      "--run=-monday",
      "--retry-failed"
    ])
  })
})
