/** Takes one sample of one subject, in this process, and prints it as JSON. */
import { enableCompileCache } from "node:module"

enableCompileCache()
const { cases } = await import("./cases.ts")

const [caseName, subjectName, sizes] = process.argv.slice(2)
const subject = cases.find(({ name }) => name === caseName)!.subjects.find(({ name }) => name === subjectName)!

console.log(JSON.stringify(await subject.sample(JSON.parse(sizes!))))
process.exit()
