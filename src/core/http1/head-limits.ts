/** How large the head of a request may be. */
export interface HeadLimits {
  /** Request line and headers together, in bytes. */
  readonly headBytes: number
  /** The request target, and the value of each header, in bytes. */
  readonly lineBytes: number
  /** How many headers there may be. */
  readonly headers: number
}

/** As most servers have them. */
export const DEFAULT_HEAD_LIMITS: HeadLimits = { headBytes: 16_384, lineBytes: 8_192, headers: 100 }
