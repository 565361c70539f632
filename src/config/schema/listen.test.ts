import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, parseListen } from './listen.ts'

test('splits host and port', () => {
  const rows: readonly [string, string | null][] = [
    ['127.0.0.1:8080', '127.0.0.1 8080'],
    ['[::1]:0', '::1 0'],
    ['gateway.example:65535', 'gateway.example 65535'],
    ['256.0.0.1:80', null],
    ['a b:80', null],
    ['::1:80', null],
    ['[::1]80', null],
    ['x:', null],
    [':80', null],
    ['x:+80', null],
    ['x:65536', null],
    ['', null],
  ]
  for (const [text, expected] of rows) {
    const address = parseListen(text)
    assert.equal(address === null ? null : `${address.host} ${address.port}`, expected, text)
  }
})

test('knows which hosts only this machine can reach', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST']) {
    assert.ok(isLoopback(host), host)
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com', '::2']) {
    assert.ok(!isLoopback(host), host)
  }
})
