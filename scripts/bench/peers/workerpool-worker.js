// The worker of workerpool, which calls what a module registers.
import workerpool from "workerpool"
import * as jobs from "../jobs.js"

workerpool.worker({ ...jobs })
