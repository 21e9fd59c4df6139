/** A network between two sides that a test can cut. */
import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

export interface Proxy {
  readonly port: number
  /** Ends all connections and refuses new ones, until it is mended. */
  readonly cut: Effect.Effect<void>
  /** Lets nothing through, and tells nobody, until it is mended. */
  readonly freeze: Effect.Effect<void>
  /** Takes so many milliseconds each way from now on. */
  readonly delay: (ms: number) => Effect.Effect<void>
  /** Lets nothing back, until it is cut. */
  readonly mute: Effect.Effect<void>
  readonly mend: Effect.Effect<void>
}

/** Stands before `port` of this machine. */
export const makeProxy = (port: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly proxy: Proxy; readonly close: () => void }>((resume) => {
        const sockets = new Set<Socket>()
        let state: "open" | "cut" | "frozen" = "open"
        let delayMs = 0
        const server = createServer((near) => {
          if (state === "cut") return near.destroy()
          const far = connect(port, "127.0.0.1")
          for (const [from, to] of [[near, far], [far, near]] as const) {
            sockets.add(from)
            from.on("data", (bytes) => delayMs === 0 ? to.write(bytes) : setTimeout(() => to.write(bytes), delayMs))
            from.on("error", () => {})
            from.on("close", () => {
              sockets.delete(from)
              to.destroy()
            })
            if (state === "frozen") from.pause()
          }
        })
        const close = () => {
          for (const socket of sockets) socket.destroy()
          server.close()
        }
        server.listen(0, "127.0.0.1", () => {
          const proxy = {
            port: (server.address() as { port: number }).port,
            cut: Effect.sync(() => {
              state = "cut"
              for (const socket of sockets) socket.destroy()
            }),
            freeze: Effect.sync(() => {
              state = "frozen"
              for (const socket of sockets) socket.pause()
            }),
            delay: (ms: number) => Effect.sync(() => void (delayMs = ms)),
            mute: Effect.sync(() => {
              for (const socket of sockets) if (socket.remotePort === port) socket.pause()
            }),
            mend: Effect.sync(() => {
              state = "open"
              for (const socket of sockets) socket.resume()
            })
          }
          resume(Effect.succeed({ proxy, close }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ proxy }) => proxy
  )
