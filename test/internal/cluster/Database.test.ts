import { assert, describe, it } from "@effect/vitest"
import { unavailable } from "../../../lib/internal/cluster/Database.ts"

const at = new URL("postgres://me:secret@far.example:5433/db")

/** As a connection fails: what the system said is the cause of the cause. */
const failure = (code: unknown, message = "said the system") =>
  new Error("cannot connect", {
    cause: new Error("no connection", { cause: Object.assign(new Error(message), { code }) })
  })

describe("ClusterUnavailable", () => {
  it("names a host that there is not, or that does not answer", () => {
    const start = "The cluster's database at postgres://me@far.example:5433/db cannot be used: "
    assert.strictEqual(
      unavailable(at, failure("ENOTFOUND")).message,
      `${start}there is no host far.example: expected the name or address of one`
    )
    assert.strictEqual(
      unavailable(at, failure("ETIMEDOUT")).message,
      `${start}far.example:5433 does not answer: is it the right host, and is its firewall open?`
    )
  })

  it("says of anything else what the system said, or whatever was thrown in its place", () => {
    assert.strictEqual(unavailable(at, failure("EOTHER")).reason, "said the system")
    assert.strictEqual(unavailable(at, failure(7)).reason, "said the system")
    assert.strictEqual(unavailable(at, { cause: "text" }).reason, "[object Object]")
  })

  it("is found out also of an error that is its own cause", () => {
    const error = new Error("round and round")
    error.cause = error
    assert.strictEqual(unavailable(at, error).reason, "round and round")
  })
})
