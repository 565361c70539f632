import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { KeyMessage, ValueAnswer } from '../messages.ts'

/** Takes every message of keys and values that waits, without returning to the event loop. */
export function drainPort(port: MessagePort, apply: (message: KeyMessage | ValueAnswer) => void): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    apply(next.message as KeyMessage | ValueAnswer) // only the control thread holds the other end
  }
}
