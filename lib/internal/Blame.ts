/**
 * Which of the items that a worker had it died of.
 *
 * A worker dies of the last item that it has begun and not replied to; the others are innocent. Where nothing tells which
 * that is, all are suspect and go alone from then on, for a worker dies of what it has alone. Where it had not begun even
 * that, only the second death counts: the first may be of what the item before had left behind. Nothing counts that a
 * worker did not begin because it was busy with that.
 */
import type { Unread } from "./protocol.ts"
import type { Item, Task } from "./Task.ts"

/** How far the worker was with an item. */
export type Progress =
  /** The two share no memory. */
  | "unknown"
  | "sent"
  /** The worker was stopped, for what it had run before kept it from beginning any more. */
  | "heldUp"
  | "begun"
  /** The reply that carries its result was on its way. */
  | "replied"

/** What an item is judged by. */
export interface Held {
  readonly item: Pick<Item, "isAccused"> & { readonly task: Pick<Task, "canWaitAnywhere" | "isSuspect" | "transfer"> }
  readonly progress: Progress
}

export type Verdict =
  /** It is run again. */
  | "innocent"
  /** It is run again, and the items of its task go alone. */
  | "suspect"
  /** The same, for the last time. */
  | "accused"
  /** The worker died of it, or the buffers that moved with it are gone. */
  | "guilty"
  /** It, or its result, is what could not be read. */
  | "unread"

/** A verdict on each of `held`, which is all that a worker had when it went, perhaps for what was `unread`. */
export const verdicts = (held: ReadonlyArray<Held>, unread: Unread | undefined): ReadonlyArray<Verdict> => {
  if (held.length === 1) return [verdictAlone(held[0]!, unread)]
  const culprit = held.findLast(({ progress }) => progress === "begun")
  // Nothing tells of which item it is that could not be read.
  const rest = culprit === undefined || unread !== undefined ? "suspect" : "innocent"
  return held.map((each) =>
    each === culprit || hasMoved(each) ? "guilty" : each.progress === "heldUp" ? "innocent" : rest
  )
}

const verdictAlone = (held: Held, unread: Unread | undefined): Verdict => {
  const { item, progress } = held
  if (unread !== undefined && isUnread(held, unread.side)) return "unread"
  if (progress === "heldUp" && !hasMoved(held)) return "innocent"
  if (progress !== "sent" || hasMoved(held)) return "guilty"
  if (!item.task.isSuspect) return "suspect"
  return item.isAccused ? "guilty" : "accused"
}

const isUnread = ({ item, progress }: Held, side: Unread["side"]): boolean =>
  side === "result"
    ? progress !== "sent" && progress !== "heldUp"
    // There may have been others with it that were taken back since.
    : progress === "unknown" || progress === "sent" && !item.task.canWaitAnywhere

const hasMoved = ({ item }: Held): boolean => item.task.transfer.length > 0
