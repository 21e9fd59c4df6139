#!/usr/bin/env -S npx tsx
/**
 * Looks at the records that the other scripts leave.
 *
 *     npx tsx scripts/review.ts list
 *     npx tsx scripts/review.ts show results/lazy-2026-11-23T07-41-30.123Z.json
 *     npx tsx scripts/review.ts compare results/before.json results/after.json --fail-above 10%
 *     npx tsx scripts/review.ts page results/reference/eager.json results/reference/lazy.json --out page.html
 *     npx tsx scripts/review.ts watch
 *     npx tsx scripts/review.ts finish results/lazy-2026-11-23T07-41-30.123Z.jsonl
 */
import "./shared/require-node.js"
import { Command } from "effect/cli"
import { check } from "./review/check.ts"
import { compare } from "./review/compare.ts"
import { finish } from "./review/finish.ts"
import { list } from "./review/list.ts"
import { page } from "./review/page.ts"
import { show } from "./review/show.ts"
import { watch } from "./review/watch.ts"
import { main } from "./shared/main.ts"

export const command = Command.make("review").pipe(
  Command.withDescription("Look at the records of runs"),
  Command.withSubcommands([list, show, compare, page, watch, check, finish])
)

if (import.meta.main) main(command)
