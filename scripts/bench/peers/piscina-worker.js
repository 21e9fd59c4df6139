// The worker of piscina, which calls what a module exports.
import { move } from "piscina"
import * as jobs from "../jobs.js"

export const { noop } = jobs
