// The worker of workerpool, which calls what a module registers.
import workerpool from "workerpool"
import { busy, noop } from "./piscina-worker.js"

workerpool.worker({ busy, noop })
