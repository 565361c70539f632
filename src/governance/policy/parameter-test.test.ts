import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTest, type TestConfig } from './parameter-test.ts'

test('what is allowed fits wholly, and what may fit is denied', () => {
  // The test, the values that a request gives, whether a list that allows lets it pass, whether one that denies refuses it.
  const rows: readonly (readonly [TestConfig, readonly unknown[], boolean, boolean])[] = [
    [true, [], true, false],
    [true, [true], true, true],
    [true, [false], false, false],
    [true, ['true'], false, true],
    [5, ['5'], false, true],
    ['high', ['High'], false, true],
    [{ above: 10 }, [10], false, false],
    [{ above: 10 }, [11], true, true],
    [{ above: 10 }, ['11'], false, true],
    [{ above: 10 }, [[11]], false, true],
    [{ at_least: 1, below: 3 }, [1, 2.9], true, true],
    [{ at_least: 1, below: 3 }, [1, 3], false, true],
    [{ at_most: 4 }, [4, 5], false, true],
    [{ at_most: 4 }, [], true, false],
    [{ at_most: 4, present: true }, [], false, false],
    [{ present: true }, [0], true, true],
    [{ present: true }, [], false, false],
    [{ present: false }, [], true, true],
    [{ present: false }, [1], false, false],
    [{ one_of: ['a', 1] }, ['a', 1], true, true],
    [{ one_of: ['a', 1] }, ['b'], false, false],
    [{ one_of: ['a', 1] }, ['1'], false, true],
  ]
  for (const [config, values, allows, denies] of rows) {
    const compiled = compileTest('x', config)
    const about = `${JSON.stringify(config)} of ${JSON.stringify(values)}`
    assert.deepEqual([compiled.allows(values), compiled.denies(values)], [allows, denies], about)
  }
})
