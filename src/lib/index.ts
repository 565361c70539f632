/**
 * Small pure things that know no gateway: bytes (JSON scanner, walker and patcher, SSE framer), time (clock),
 * names (ids, trace context, patterns) and memory (LRU, slots shared by threads). Each file is one idea and depends on
 * nothing but its neighbours. It is no home for helpers of one module: those live where they are used.
 *
 * Start reading at `json-scan.ts`, which shows how bodies are looked into without being parsed.
 */
export { asError } from './as-error.ts'
export { assertNever } from './assert-never.ts'
export { monotonicUs } from './clock.ts'
export { compareText } from './compare-text.ts'
export type { GlobSet, Matcher } from './glob.ts'
export { compileGlob, compileGlobs } from './glob.ts'
export { parseHttpDate } from './http-date.ts'
export { isRequestId, RequestIds } from './ids.ts'
export { isObject } from './is-object.ts'
export type { Edit } from './json-patch.ts'
export { patchInPieces, patchTopLevel } from './json-patch.ts'
export { readJson, readString } from './json-read.ts'
export type { JsonScanner, ScanFailure, ScanFailureKind, ScanResult } from './json-scan.ts'
export { createScanner, ScannedObject } from './json-scan.ts'
export { skipValue, walkItems, walkMembers } from './json-walk.ts'
export { LruMap } from './lru.ts'
export { createCounters, DEFAULT_COUNTER_CELLS, SlotAllocator } from './shared-slots.ts'
export { DEFAULT_MAX_TAIL_BYTES, SseFramer } from './sse.ts'
export { eventData, SseCursor } from './sse-events.ts'
export { TextHints } from './text-hints.ts'
export type { Traceparent } from './traceparent.ts'
export { formatTraceparent, parseTraceparent } from './traceparent.ts'
export { cellAbove, cellOf, highOf, lowOf, numberOf } from './words.ts'
