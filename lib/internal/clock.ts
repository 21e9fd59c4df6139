/** The one clock that an executor and its workers tell the time by. Loads nothing of Effect. */

/** Milliseconds since the Unix epoch, to the microsecond. */
export const now = (): number => epoch + sinceOrigin()

/** Of its own, for a job may put a clock of its making in its place, as fake timers do. */
const sinceOrigin = performance.now.bind(performance)

let epoch = performance.timeOrigin
let isSet = false

/**
 * When this process began, by the clock that all processes have in common and nobody sets. A process that is held up between
 * the two readings takes itself for older than it is, so the latest of some counts.
 */
const origin = Math.max(...Array.from({ length: 3 }, () => Number(process.hrtime.bigint()) / 1e6 - sinceOrigin()))

/** How far `now` is ahead of that clock: in each process as the system's clock was when it began. */
export const clockOffset = (): number => epoch - origin

/** Whether `now` tells the time of another process, which a new thread of this one does not. */
export const isClockSet = (): boolean => isSet

/** From here on `now` tells the time of the process whose offset it is. */
export const setClock = (offset: number): void => {
  isSet = true
  epoch = offset + origin
}
