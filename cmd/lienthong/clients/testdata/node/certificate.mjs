// Verifies a SMART Health Card. Usage: node certificate.mjs JWKS CODES, CODES being the texts of its QR codes, one a line.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { SHCReader } from 'kill-the-clipboard'

const [key] = JSON.parse(readFileSync(process.argv[2])).keys
const codes = readFileSync(process.argv[3], 'utf8').split('\n')
const reader = new SHCReader({ publicKey: key })
const bundle = await (await reader.fromQRNumeric(codes)).asBundle()
const of = (type) => bundle.entry.map((e) => e.resource).filter((r) => r.resourceType === type)
const [patient] = of('Patient')
assert.deepEqual(Object.keys(patient).sort(), ['birthDate', 'name', 'resourceType'])
assert.ok(of('Immunization').length > 3)
for (const i of of('Immunization')) {
  assert.equal(i.status, 'completed')
  assert.ok(i.vaccineCode.coding[0].code && i.occurrenceDateTime && i.lotNumber && i.performer[0].actor.display)
}
// A digit that is changed within the signature.
const last = codes[codes.length - 1]
const at = last.length - 20
codes[codes.length - 1] = last.slice(0, at) + (last[at] === '1' ? '2' : '1') + last.slice(at + 1)
await assert.rejects(async () => (await reader.fromQRNumeric(codes)).asBundle())
console.log('ok')
