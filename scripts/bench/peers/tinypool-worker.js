// The worker of tinypool, which calls what a module exports.
import { Tinypool } from "tinypool"
import * as jobs from "../jobs.js"

export const { block, busy, echo, noop, spin } = jobs

export const pass = (array) => Tinypool.move(jobs.pass(array))
export const fill = (length) => Tinypool.move(jobs.fill(length))
