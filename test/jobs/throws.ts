import { runInNewContext } from "node:vm"
import * as Job from "../../lib/Job.ts"

const things = {
  error: () => new TypeError("wrong kind", { cause: new Error("the reason why") }),
  several: () => new AggregateError([new Error("one", { cause: new Error("why") }), new Error("other")], "both"),
  wordy: () => new AggregateError(["words", { code: 7 }], "both", { cause: null }),
  string: () => "just words",
  undefined: () => undefined,
  frozen: () => Object.freeze({ code: 7 }),
  uncloneable: () => () => "a function",
  circular: () => {
    const circle: Record<string, unknown> = {}
    circle["self"] = circle
    return circle
  },
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  elsewhere: () => runInNewContext(`new TypeError("elsewhere")`) as unknown,
  inherited: () => Object.assign(Object.create(TypeError.prototype) as object, { message: "made by hand" }),
  stackless: () => Object.assign(new Error("from nowhere"), { stack: undefined }),
  silent: () => ({ toJSON: () => undefined }),
  hostile: () =>
    Object.defineProperty(new Error("hidden"), "message", {
      get: () => {
        throw new Error("no message for you")
      }
    })
}

export type Thing = keyof typeof things

export const throwing = Job.make(import.meta, "throwing", (thing: Thing): number => {
  throw things[thing]()
})

// oxlint-disable-next-line prefer-promise-reject-errors
export const rejecting = Job.make(import.meta, "rejecting", (thing: Thing) => Promise.reject<number>(things[thing]()))

/** Gives an object that throws when it is asked what it has. */
export const resolvingWithTrap = Job.make(import.meta, "resolvingWithTrap", () =>
  Promise.resolve<object>(
    new Proxy({}, {
      has: () => {
        throw new Error("do not ask")
      }
    })
  ))
