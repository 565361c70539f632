/*
 * Preloaded into each test file's process: ends one that is still there after the deadline (a socket, timer or child
 * that no test closed keeps it alive for ever), and says so.
 */
import { isMainThread } from 'node:worker_threads'

const deadlineMs = Number(process.env.FERRO_TEST_FILE_DEADLINE_MS ?? 300_000)

if (isMainThread) {
  setTimeout(() => {
    console.error(
      `still running after ${deadlineMs} ms, kept alive by: ${process.getActiveResourcesInfo().join(', ')}; ` +
        'close in the test what the test opened',
    )
    process.exit(1)
  }, deadlineMs).unref()
}
