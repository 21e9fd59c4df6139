/**
 * The kernel of the job `sinSimd`, in AssemblyScript: the sines of 0, 1, 2, … radians, two in a vector.
 *
 * `npm run build:wasm` compiles it to `sinSimd.wasm`, which is checked in beside it.
 *
 * No angle is reduced and no polynomial evaluated. Each row of 1024 integers has a middle a, half way between two of
 * them, and consists of a ± b for b = ½, 1½, … 511½. With the sines and cosines of all b in a table, the same products
 * give two sines:
 *
 *     sin(a ± b) = sin a · cos b ± cos a · sin b
 *
 * So that rounding the factors costs no digits, each is the sum of a head, a multiple of 2^-26, and a tail of at most
 * 2^-27. Products of heads, and the sums of such products, are multiples of 2^-52 and at most 2: they are exact. What
 * tails contribute is rounded at 2^-80 or so. The last addition, of both, rounds to the double nearest to the sine,
 * save where that is too close to call, and next to a multiple of π, where doubles are finer than 2^-78. No integer
 * below 10^8 comes so close to one that its sine differs from `Math.sin` by more than 1 unit in the last place.
 *
 * From row to row a turns by 1024 radians, as a sum of three parts instead of two. Each turn adds an error of about
 * 2^-103; after the 97,656 turns to 10^8 it is 2^-88.
 */

/** How many sines `next` computes: whole rows, and enough to be copied as fast as memory allows. */
export const length: i32 = 131072

/** Where they are. */
export const sines = memory.data(length * 8, 16)

/** How many b there are. */
const angles: i32 = 512

/** For two b in turn five vectors: heads of cos b and sin b, tails of both, and cos b in one double. */
const table = memory.data(angles / 2 * 80, 16)

/** What {@link round} takes for multiples of 2^-25, 2^-26 and 2^-50: 1.5 times 2^52 of them. */
const units25: f64 = 1.5 * 134217728
const units26: f64 = 1.5 * 67108864
const units50: f64 = 1.5 * 4

/** The nearest multiple: in a sum with so many units, a double has no room for less than one. */
function round(x: f64, units: f64): f64 {
  return x + units - units
}

/** A sine or cosine: a multiple of 2^-25, a multiple of 2^-50 and the rest. */
class Parts {
  constructor(public high: f64 = 0, public middle: f64 = 0, public low: f64 = 0) {}

  /** Becomes a · b + sign · c · d. All but what is of the size of `low` is exact. */
  combine(a: Parts, b: Parts, sign: f64, c: Parts, d: Parts): void {
    const high = a.high * b.high + sign * (c.high * d.high)
    const middle = a.high * b.middle + a.middle * b.high + sign * (c.high * d.middle + c.middle * d.high)
    const low = lowProducts(a, b) + sign * lowProducts(c, d)
    this.high = round(high + middle, units25)
    const rest = high - this.high + middle
    this.middle = round(rest + low, units50)
    this.low = rest - this.middle + low
  }

  copy(from: Parts): void {
    this.high = from.high
    this.middle = from.middle
    this.low = from.low
  }

  get head(): f64 {
    return round(this.high + this.middle, units26)
  }

  get tail(): f64 {
    return this.high + this.middle - this.head + this.low
  }
}

/** The products of parts that are neither of two `high` nor of a `high` and a `middle`. */
function lowProducts(a: Parts, b: Parts): f64 {
  return a.high * b.low + a.middle * (b.middle + b.low) + a.low * (b.high + b.middle + b.low)
}

class Angle {
  constructor(public cos: Parts = new Parts(), public sin: Parts = new Parts()) {}

  /** Adds the angle `by`. */
  turn(by: Angle): void {
    turned.cos.combine(this.cos, by.cos, -1, this.sin, by.sin)
    turned.sin.combine(this.sin, by.cos, 1, this.cos, by.sin)
    this.copy(turned)
  }

  copy(from: Angle): void {
    this.cos.copy(from.cos)
    this.sin.copy(from.sin)
  }
}

const turned = new Angle()

const half = new Angle(
  new Parts(0.8775825500488281, 1.1841544633739431e-8, -4.2623149864279997e-17),
  new Parts(0.4794255495071411, -1.0902938107903992e-8, -5.103969860556013e-18)
)

const row = new Angle(
  new Parts(0.9873536229133606, -4.693512245523834e-9, -5.493277733817504e-17),
  new Parts(-0.15853339433670044, 1.4292704797469469e-8, -3.1806014243801556e-16)
)

/** The middle of the first row, which is the last b: 511½. */
const firstMiddle = new Angle()

/** The middle of the next row. */
const middle = new Angle()

fillTable()
restart()

function fillTable(): void {
  const one = new Angle()
  one.copy(half)
  one.turn(half)
  const b = firstMiddle
  b.copy(half)
  for (let index = 0; index < angles; index++) {
    if (index > 0) b.turn(one)
    const at = table + (index / 2) * 80 + (index % 2) * 8
    store<f64>(at, b.cos.head)
    store<f64>(at, b.sin.head, 16)
    store<f64>(at, b.cos.tail, 32)
    store<f64>(at, b.sin.tail, 48)
    store<f64>(at, b.cos.head + b.cos.tail, 64)
  }
}

/** Makes sin 0 the first that `next` computes. */
export function restart(): void {
  middle.copy(firstMiddle)
}

/** Computes the next `length` sines, in place of those before. */
export function next(): void {
  const end = sines + length * 8
  for (let start = sines; start < end; start += 2 * angles * 8) {
    const cosHead = f64x2.splat(middle.cos.head)
    const sinHead = f64x2.splat(middle.sin.head)
    const cosTail = f64x2.splat(middle.cos.tail)
    const sinTail = f64x2.splat(middle.sin.tail)
    const cos = f64x2.add(cosHead, cosTail)
    middle.turn(row)

    let above = start + angles * 8
    let below = above
    for (let b = table; b < table + angles / 2 * 80; b += 80) {
      // sin a · cos b, and cos a · sin b, each as what is exact and what is small.
      const plus = f64x2.mul(sinHead, v128.load(b))
      const minus = f64x2.mul(cosHead, v128.load(b, 16))
      const plusSmall = f64x2.add(f64x2.mul(sinHead, v128.load(b, 32)), f64x2.mul(sinTail, v128.load(b, 64)))
      const minusSmall = f64x2.add(f64x2.mul(cosTail, v128.load(b, 16)), f64x2.mul(cos, v128.load(b, 48)))

      v128.store(above, f64x2.add(f64x2.add(plus, minus), f64x2.add(plusSmall, minusSmall)))
      above += 16
      below -= 16
      const descending = f64x2.add(f64x2.sub(plus, minus), f64x2.sub(plusSmall, minusSmall))
      v128.store(below, v128.shuffle<f64>(descending, descending, 1, 0))
    }
  }
}
