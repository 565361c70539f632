/** What a failed attempt says, as far as it matters to where the request goes next. In the order of their use to a client. */
export const FAILURE_CLASSES = [
  /** The request is wrong, wherever it goes. */
  'caller',
  /** It is longer than this model takes. */
  'context_length',
  /** The vendor does not want to answer this content. */
  'content_refused',
  /** Too much at this moment: the credential may be used again soon. */
  'throttled',
  /** What was paid for is used up. */
  'quota',
  /** The credential is not accepted. */
  'credential',
  /** The model, or the deployment, is not there (any more). */
  'withdrawn',
  /** It may work if asked again. */
  'transient',
  /** There is nobody, or nobody who answers. */
  'dead',
  /** Our own limits held it back. */
  'ours',
  /** The client has left, or its time is over. */
  'cancelled',
] as const

export type FailureClass = (typeof FAILURE_CLASSES)[number]

export function isFailureClass(text: string | null): text is FailureClass {
  return FAILURE_CLASSES.some((name) => name === text)
}
