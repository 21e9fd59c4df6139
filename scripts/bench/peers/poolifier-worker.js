// The worker of poolifier, which calls what a module registers.
import { ThreadWorker } from "poolifier"
import * as jobs from "../jobs.js"

export default new ThreadWorker({ ...jobs })
