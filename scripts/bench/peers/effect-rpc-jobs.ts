import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Transferable from "effect/workers/Transferable"

const Moving = Transferable.schema(Schema.instanceOf(Float64Array<ArrayBuffer>), (array) => [array.buffer])

export const Jobs = RpcGroup.make(
  Rpc.make("noop", { payload: Schema.Unknown, success: Schema.Void }),
  Rpc.make("spin", { payload: Schema.Finite, success: Schema.Void }),
  Rpc.make("echo", { payload: Schema.Unknown, success: Schema.Unknown }),
  Rpc.make("pass", { payload: Moving, success: Moving }),
  Rpc.make("fill", { payload: Schema.Finite, success: Moving }),
  Rpc.make("block", { payload: Schema.Unknown, success: Schema.Void })
)
