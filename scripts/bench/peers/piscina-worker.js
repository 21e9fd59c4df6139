// The worker of piscina, which calls what a module exports.
import { move } from "piscina"
import * as jobs from "../jobs.js"

export const { block, busy, echo, noop, spin } = jobs

export const pass = (array) => move(jobs.pass(array))
export const fill = (length) => move(jobs.fill(length))
