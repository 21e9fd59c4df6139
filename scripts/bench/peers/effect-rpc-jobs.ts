import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

export const Jobs = RpcGroup.make(
  Rpc.make("noop", { payload: Schema.Unknown, success: Schema.Void })
)
