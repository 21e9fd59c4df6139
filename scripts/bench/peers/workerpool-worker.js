// The worker of workerpool, which calls what a module registers.
import workerpool from "workerpool"
import * as jobs from "../jobs.js"

const moving = (job) => (input) => {
  const array = job(input)
  return new workerpool.Transfer(array, [array.buffer])
}

workerpool.worker({ ...jobs, pass: moving(jobs.pass), fill: moving(jobs.fill) })
