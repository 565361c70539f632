import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { serve } from '../../../test/request-path/served.ts'
import { startHttp } from '../../../test/request-path/upstream.ts'

void createServer

const MESSAGES = { model: 'small', messages: [{ role: 'user', content: 'Hello there' }] }
const CONTENTS = { contents: [{ role: 'user', parts: [{ text: 'Hello there' }] }] }
