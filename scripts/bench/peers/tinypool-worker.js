// The worker of tinypool, which calls what a module exports.
import { Tinypool } from "tinypool"
import * as jobs from "../jobs.js"

export const { noop } = jobs
