/** Result files that somebody made to do harm, or that something broke. */
import { environment, runRecord } from "./records.ts"

const text = JSON.stringify(runRecord)
const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`

/** What stands in the file, and what its reader is told. */
export const records: Record<string, { readonly content: string | Uint8Array; readonly says: RegExp }> = {
  "an empty file": { content: "", says: /expected a JSON object/ },
  "blank space": { content: " \n\t\r\n".repeat(1000), says: /expected a JSON object/ },
  "a string": { content: `"a record"`, says: /expected a JSON object/ },
  "half a record": { content: text.slice(0, -20), says: /JSON/ },
  "a number that is none": { content: text.replace(`"wallMs":1000`, `"wallMs":NaN`), says: /JSON/ },
  "a number too large to be one": {
    content: text.replace(`"wallMs":1000`, `"wallMs":1e999`),
    says: /finite number.*"summary".*"wallMs"/s
  },
  "a job of another type": { content: text.replace(/"job":0/, `"job":{"valueOf":"x"}`), says: /"jobs".*"job"/s },
  "jobs that are no array": {
    content: JSON.stringify({ ...runRecord, jobs: { length: 1e9 } }),
    says: /array.*"jobs"/s
  },
  "a status with a terminal's commands in it": {
    content: JSON.stringify({ ...runRecord, status: "\u001B[2J\u001B]0;x\u0007" }),
    says: /"status"/
  },
  "deep nesting": { content: deep, says: /expected a JSON object/ },
  "deep nesting in a parameter": {
    content: text.replace(`"workers":1`, `"workers":${deep}`),
    says: /"parameters".*"workers"/s
  },
  "deep nesting for a version": { content: text.replace(`"version":1`, `"version":${deep}`), says: /"version"/ },
  "a newer version": {
    content: text.replace(`"version":1`, `"version":2`),
    says: /expected at most version 1, got 2.*newer effect-futures/
  },
  "no version at all": { content: `{"name":"a package of somebody's"}`, says: /"version"/ },
  "bytes that are no text": {
    content: Buffer.concat([Buffer.from(`{"script":"`), Buffer.of(0xc3, 0x28), Buffer.from(`"}`)]),
    says: /expected UTF-8/
  },
  "an executable": { content: Buffer.from("\u007FELF\u0002\u0001\u0001"), says: /expected a JSON object/ }
}

/** Of a journal whose run is over: no process has its number. */
export const journalLines = {
  start: JSON.stringify({
    _tag: "Start",
    version: 1,
    pid: 2 ** 30,
    script: "lazy",
    startedAt: "2026-11-23T07:41:30.123Z",
    environment,
    parameters: { workers: 1 }
  }),
  submitted: (job: number, submittedMs = 0) => `{"_tag":"Submitted","job":${job},"submittedMs":${submittedMs}}`
}
