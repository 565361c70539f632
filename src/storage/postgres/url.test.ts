import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { suite, test } from 'node:test'
import { StorageError } from '../errors.ts'
import { temporaryDirectory } from '../testing/samples.ts'
import { isPostgresUrl, parsePostgresUrl, placeOf } from './url.ts'

suite('the URL of a PostgreSQL database', () => {
  test('names user, password, host, port and database', () => {
    const target = parsePostgresUrl('postgres://fer%40ro:p%2Fss@db.example:6432/books?sslmode=require')
    assert.deepEqual(target, {
      host: 'db.example',
      port: 6432,
      database: 'books',
      user: 'fer@ro',
      password: 'p/ss',
      sslMode: 'require',
      ca: undefined,
    })
    assert.equal(placeOf(target), 'PostgreSQL at db.example:6432, database books')
    assert.equal(parsePostgresUrl('postgresql://a@[::1]/b').port, 5432)
  })

  test('asks for a checked certificate, but on this machine', () => {
    const mode = (host: string) => parsePostgresUrl(`postgres://a@${host}/b`).sslMode
    assert.deepEqual(['db.example', '10.0.0.1', '127.0.0.1', 'localhost', '[::1]'].map(mode), [
      'verify-full',
      'verify-full',
      'disable',
      'disable',
      'disable',
    ])
  })

  test('may name the authorities that are trusted', (t) => {
    const file = path.join(temporaryDirectory(t), 'ca.pem')
    writeFileSync(file, 'PEM')
    assert.equal(parsePostgresUrl(`postgres://a@h/b?sslrootcert=${file}`).ca, 'PEM')
  })

  test('is refused with what is wrong, and never with the password', () => {
    const rows = [
      ['postgres://u:SECRET@/db', /names no host|cannot be read/],
      ['postgres://u:SECRET@h', /names no database/],
      ['postgres://h/db', /names no user/],
      ['postgres://u:SEC#RET@h/db', /cannot be read|names no/],
      ['postgres://u:SECRET@h/db?sslmode=prefer', /sslmode is one of disable, require, verify-full/],
      ['postgres://u:SECRET@h/db?options=x', /"options"/],
      ['postgres://u:SECRET@h/db?sslrootcert=/nowhere.pem', /nowhere.pem cannot be read: ENOENT/],
    ] as const
    for (const [url, message] of rows) {
      assert.throws(
        () => parsePostgresUrl(url),
        (error) => error instanceof StorageError && message.test(error.message) && !/SEC/.test(error.message),
        url,
      )
    }
    assert.deepEqual(['postgres://a', 'postgresql://a', 'sqlite:a', null].map(isPostgresUrl), [
      true,
      true,
      false,
      false,
    ])
  })
})
