import { cut } from './json-text.ts'

/** Lines of one text that are shown in a window, and the window's length. */
const MAX_PER_WINDOW = 10
const WINDOW_MS = 10_000
/** Different texts that are remembered; beyond that all windows are closed early. */
const MAX_TEXTS = 512
/** Texts that begin with the same so many characters count as equal. */
const MAX_KEY_CHARACTERS = 512

/** Decides which of many equal lines are shown. */
export interface RepeatLimit {
  /** True when the line may be shown. */
  admit(level: 'warn' | 'error', message: string, nowMs: number): boolean
  /** Closes windows that are over. */
  sweep(nowMs: number): void
  /** Closes all windows. */
  flush(): void
}

interface Window {
  readonly level: 'warn' | 'error'
  readonly message: string
  readonly startMs: number
  shown: number
  suppressed: number
}

/** Ten equal lines in ten seconds are shown; `report` is called at the end of a window in which there were more. */
export function createRepeatLimit(
  report: (level: 'warn' | 'error', message: string, suppressed: number) => void,
): RepeatLimit {
  const windows = new Map<string, Window>()
  const close = (key: string, window: Window): void => {
    windows.delete(key)
    if (window.suppressed > 0) report(window.level, window.message, window.suppressed)
  }
  const flush = (): void => {
    for (const [key, window] of windows) close(key, window)
  }
  return {
    admit(level, message, nowMs) {
      const key = `${level} ${cut(message, MAX_KEY_CHARACTERS)}`
      let window = windows.get(key)
      if (window === undefined) {
        if (windows.size >= MAX_TEXTS) flush()
        window = { level, message: cut(message, MAX_KEY_CHARACTERS), startMs: nowMs, shown: 0, suppressed: 0 }
        windows.set(key, window)
      }
      if (window.shown < MAX_PER_WINDOW) {
        window.shown++
        return true
      }
      window.suppressed++
      return false
    },
    sweep(nowMs) {
      // In order of their start, so that the first that is still open ends the search. A clock that was set back
      // closes windows early, which shows more and loses nothing.
      for (const [key, window] of windows) {
        const age = nowMs - window.startMs
        if (age >= 0 && age < WINDOW_MS) return
        close(key, window)
      }
    },
    flush,
  }
}
