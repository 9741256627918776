// Drives a server with fhir-kit-client. Usage: node client.mjs BASE
// Prints a line for each check: "ok<TAB>name" or "fail<TAB>name<TAB>what", and at the end "done".
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Client } from 'fhir-kit-client'

const base = process.argv[2]
const client = new Client({ baseUrl: base })
const system = 'urn:lienthong:clients:node:' + randomUUID() // so that a run sees only what it made

async function check(name, run) {
  try {
    await run()
    console.log(`ok\t${name}`)
  } catch (e) {
    const answer = e.response ? ` ${JSON.stringify(e.response.data)}` : ''
    console.log(`fail\t${name}\t${(e.message + answer).replace(/\s+/g, ' ').slice(0, 800)}`)
  }
}

/** fails gives the status and the OperationOutcome with which a call is refused. */
async function fails(status, call) {
  let answer
  try {
    answer = await call()
  } catch (e) {
    if (!e.response) throw e
    assert.equal(e.response.status, status, JSON.stringify(e.response.data))
    const outcome = e.response.data
    assert.equal(outcome.resourceType, 'OperationOutcome')
    assert.ok(outcome.issue.length > 0 && outcome.issue[0].code && outcome.issue[0].details.text)
    assert.ok(['error', 'fatal'].includes(outcome.issue[0].severity))
    return outcome
  }
  assert.fail(`wanted status ${status}, got an answer: ${JSON.stringify(answer)}`)
}

const status = (answer) => Client.httpFor(answer).response.status
const header = (answer, name) => Client.httpFor(answer).response.headers.get(name)
const person = (value, more) => ({
  resourceType: 'Patient', identifier: [{ system, value }], active: true,
  name: [{ family: 'Trần', given: ['Thị', 'Bình'] }], gender: 'female', birthDate: '1990-02-28', ...more,
})
const matches = (bundle) => (bundle.entry ?? []).filter((e) => e.search?.mode === 'match').map((e) => e.resource)

let patient

await check('capabilityStatement', async () => {
  const c = await client.capabilityStatement()
  assert.equal(c.resourceType, 'CapabilityStatement')
  assert.equal(c.fhirVersion, '4.0.1')
  assert.equal(c.rest[0].mode, 'server')
  const types = c.rest[0].resource.map((r) => r.type)
  for (const t of ['Patient', 'Immunization', 'Claim', 'ClaimResponse', 'Task']) assert.ok(types.includes(t), t)
  assert.match(header(c, 'content-type'), /^application\/fhir\+json/)
})

await check('create', async () => {
  patient = await client.create({ resourceType: 'Patient', body: person('1') })
  assert.equal(status(patient), 201)
  assert.equal(header(patient, 'location'), `${base}/Patient/${patient.id}/_history/${patient.meta.versionId}`)
  assert.equal(header(patient, 'etag'), `W/"${patient.meta.versionId}"`)
  assert.equal(patient.name[0].family, 'Trần')
  assert.ok(Math.abs(new Date(patient.meta.lastUpdated) - Date.now()) < 60_000)
})

await check('create with Prefer: return=minimal', async () => {
  const a = await client.create({ resourceType: 'Patient', body: person('minimal'), options: { headers: { Prefer: 'return=minimal' } } })
  assert.equal(status(a), 201)
  assert.deepEqual(a, {})
  assert.ok(header(a, 'location'))
})

await check('create with Prefer: return=OperationOutcome', async () => {
  const a = await client.create({ resourceType: 'Patient', body: person('outcome'), options: { headers: { Prefer: 'return=OperationOutcome' } } })
  assert.equal(status(a), 201)
  assert.equal(a.resourceType, 'OperationOutcome')
})

await check('read', async () => {
  const got = await client.read({ resourceType: 'Patient', id: patient.id })
  assert.deepEqual({ ...got }, { ...patient })
  assert.equal(header(got, 'etag'), `W/"${patient.meta.versionId}"`)
})

await check('resolve a relative and an absolute reference', async () => {
  for (const reference of [`Patient/${patient.id}`, `${base}/Patient/${patient.id}`]) {
    assert.equal((await client.resolve({ reference })).id, patient.id)
  }
})

await check('update with If-Match', async () => {
  const body = { ...patient, gender: 'other' }
  const got = await client.update({ resourceType: 'Patient', id: patient.id, body, options: { headers: { 'If-Match': `W/"${patient.meta.versionId}"` } } })
  assert.equal(status(got), 200)
  assert.equal(got.gender, 'other')
  assert.notEqual(got.meta.versionId, patient.meta.versionId)
  await fails(412, () => client.update({ resourceType: 'Patient', id: patient.id, body, options: { headers: { 'If-Match': `W/"${patient.meta.versionId}"` } } }))
})

await check('vread', async () => {
  const first = await client.vread({ resourceType: 'Patient', id: patient.id, version: patient.meta.versionId })
  assert.equal(first.gender, 'female')
  assert.equal(first.meta.versionId, patient.meta.versionId)
})

await check('conditional create', async () => {
  const options = { headers: { 'If-None-Exist': `identifier=${encodeURIComponent(system)}|2` } }
  const first = await client.create({ resourceType: 'Patient', body: person('2'), options })
  const second = await client.create({ resourceType: 'Patient', body: person('2'), options })
  assert.equal(status(first), 201)
  assert.equal(status(second), 200)
  assert.equal(second.id, first.id)
})

await check('conditional update', async () => {
  const searchParams = { identifier: `${system}|3` }
  const first = await client.update({ resourceType: 'Patient', searchParams, body: person('3') })
  const second = await client.update({ resourceType: 'Patient', searchParams, body: person('3', { gender: 'male' }) })
  assert.equal(status(first), 201)
  assert.equal(status(second), 200)
  assert.equal(second.id, first.id)
  assert.equal(second.gender, 'male')
})

await check('update as create', async () => {
  const id = 'node-' + randomUUID()
  const got = await client.update({ resourceType: 'Patient', id, body: { ...person('4'), id } })
  assert.equal(status(got), 201)
  assert.equal(got.id, id)
})

await check('patch (JSON Patch)', async () => {
  const jsonPatch = [
    { op: 'test', path: '/gender', value: 'other' },
    { op: 'replace', path: '/gender', value: 'female' },
    { op: 'add', path: '/telecom', value: [{ system: 'phone', value: '0900000000' }] },
    { op: 'add', path: '/name/0/given/-', value: 'An' },
  ]
  const got = await client.patch({ resourceType: 'Patient', id: patient.id, jsonPatch })
  assert.equal(status(got), 200)
  assert.equal(got.gender, 'female')
  assert.equal(got.telecom[0].value, '0900000000')
  assert.deepEqual(got.name[0].given, ['Thị', 'Bình', 'An'])
  await fails(422, () => client.patch({ resourceType: 'Patient', id: patient.id, jsonPatch }))
})

await check('search and walk with nextPage', async () => {
  const ids = new Set()
  for (let i = 0; i < 25; i++) {
    const p = await client.create({ resourceType: 'Patient', body: person(`page-${i}`, { address: [{ city: system }] }) })
    ids.add(p.id)
  }
  let bundle = await client.search({ resourceType: 'Patient', searchParams: { 'address-city': system, _count: 10, _sort: '-_lastUpdated', _total: 'accurate' } })
  assert.equal(bundle.total, 25)
  const sizes = []
  while (bundle) {
    assert.equal(bundle.type, 'searchset')
    assert.ok(bundle.link.some((l) => l.relation === 'self'))
    sizes.push(bundle.entry.length)
    for (const p of matches(bundle)) assert.ok(ids.delete(p.id), `${p.id} came twice or is a stranger`)
    bundle = await client.nextPage({ bundle })
  }
  assert.equal(ids.size, 0)
  assert.deepEqual(sizes, [10, 10, 5])
})

await check('search by POST', async () => {
  const bundle = await client.search({ resourceType: 'Patient', searchParams: { identifier: `${system}|1` }, options: { postSearch: true } })
  assert.deepEqual(matches(bundle).map((p) => p.id), [patient.id])
})

await check('search with a repeated parameter, a modifier and a name with diacritics', async () => {
  const bundle = await client.search({ resourceType: 'Patient', searchParams: { identifier: `${system}|1`, birthdate: ['ge1990-01-01', 'lt1990-03-01'], 'family:exact': 'Trần' } })
  assert.deepEqual(matches(bundle).map((p) => p.id), [patient.id])
  const none = await client.search({ resourceType: 'Patient', searchParams: { identifier: `${system}|1`, birthdate: ['ge1990-01-01', 'lt1990-02-01'] } })
  assert.equal(none.total, 0)
})

let shot
await check('transaction with references inside', async () => {
  const uuid = `urn:uuid:${randomUUID()}`
  const body = {
    resourceType: 'Bundle', type: 'transaction', entry: [
      { fullUrl: uuid, resource: person('5'), request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${encodeURIComponent(system)}|5` } },
      {
        fullUrl: `urn:uuid:${randomUUID()}`,
        resource: { resourceType: 'Immunization', status: 'completed', vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '19' }] }, patient: { reference: uuid }, occurrenceDateTime: '2026-01-02' },
        request: { method: 'POST', url: 'Immunization' },
      },
      { request: { method: 'GET', url: `Patient/${patient.id}` } },
    ],
  }
  const answer = await client.transaction({ body })
  assert.equal(answer.type, 'transaction-response')
  assert.deepEqual(answer.entry.map((e) => e.response.status.slice(0, 3)), ['201', '201', '200'])
  assert.equal(answer.entry[2].resource.id, patient.id)
  const [patientLocation, shotLocation] = answer.entry.map((e) => e.response.location)
  shot = await client.request(shotLocation)
  assert.equal(shot.resourceType, 'Immunization')
  assert.equal(`${shot.patient.reference}/_history/1`, patientLocation.replace(`${base}/`, ''))
})

await check('transaction that fails leaves nothing', async () => {
  const body = {
    resourceType: 'Bundle', type: 'transaction', entry: [
      { resource: person('6'), request: { method: 'POST', url: 'Patient' } },
      { resource: person('7', { id: patient.id }), request: { method: 'PUT', url: `Patient/${patient.id}`, ifMatch: 'W/"999"' } },
    ],
  }
  await fails(412, () => client.transaction({ body }))
  assert.equal((await client.search({ resourceType: 'Patient', searchParams: { identifier: `${system}|6` } })).total, 0)
})

await check('batch with one wrong entry', async () => {
  const body = {
    resourceType: 'Bundle', type: 'batch', entry: [
      { resource: person('8'), request: { method: 'POST', url: 'Patient' } },
      { request: { method: 'GET', url: 'Patient/no-such-patient' } },
      { request: { method: 'GET', url: `Patient?identifier=${encodeURIComponent(system)}|1` } },
    ],
  }
  const answer = await client.batch({ body })
  assert.equal(answer.type, 'batch-response')
  assert.deepEqual(answer.entry.map((e) => e.response.status.slice(0, 3)), ['201', '404', '200'])
  assert.equal(answer.entry[1].response.outcome.resourceType, 'OperationOutcome')
  assert.equal(answer.entry[2].resource.type, 'searchset')
})

await check('bundle posted to the base without a slash at the end', async () => {
  const answer = await client.request(base, { method: 'POST', options: { headers: { 'content-type': 'application/fhir+json' } }, body: { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `Patient/${patient.id}` } }] } })
  assert.equal(answer.entry[0].response.status.slice(0, 3), '200')
})

await check('include, reverse include and chain', async () => {
  const included = await client.search({ resourceType: 'Immunization', searchParams: { _id: shot.id, _include: 'Immunization:patient' } })
  assert.deepEqual(included.entry.map((e) => [e.resource.resourceType, e.search.mode]), [['Immunization', 'match'], ['Patient', 'include']])
  const reverse = await client.search({ resourceType: 'Patient', searchParams: { identifier: `${system}|5`, _revinclude: 'Immunization:patient' } })
  assert.deepEqual(reverse.entry.map((e) => e.resource.resourceType), ['Patient', 'Immunization'])
  const chain = await client.search({ resourceType: 'Immunization', searchParams: { 'patient.identifier': `${system}|5` } })
  assert.deepEqual(matches(chain).map((i) => i.id), [shot.id])
})

await check('resolve a reference inside a Bundle', async () => {
  const context = await client.search({ resourceType: 'Immunization', searchParams: { _id: shot.id, _include: 'Immunization:patient' } })
  const got = await client.resolve({ reference: shot.patient.reference, context })
  assert.equal(`Patient/${got.id}`, shot.patient.reference)
})

await check('compartment search', async () => {
  const bundle = await client.search({ resourceType: 'Immunization', compartment: { resourceType: 'Patient', id: shot.patient.reference.slice('Patient/'.length) } })
  assert.deepEqual(matches(bundle).map((i) => i.id), [shot.id])
})

await check('operation $everything', async () => {
  const bundle = await client.operation({ name: 'everything', resourceType: 'Patient', id: shot.patient.reference.slice('Patient/'.length), method: 'GET' })
  assert.deepEqual(bundle.entry.map((e) => e.resource.resourceType).sort(), ['Immunization', 'Patient'])
})

await check('history of a resource, of a type and of the system', async () => {
  const one = await client.history({ resourceType: 'Patient', id: patient.id })
  assert.equal(one.type, 'history')
  assert.deepEqual(one.entry.map((e) => [e.resource.meta.versionId, e.request.method]), [['3', 'PATCH'], ['2', 'PUT'], ['1', 'POST']])
  for (const b of [await client.history({ resourceType: 'Patient' }), await client.history()]) {
    assert.equal(b.type, 'history')
    assert.ok(b.entry.length > 0 && b.entry.every((e) => e.request && e.response))
  }
})

await check('delete', async () => {
  const answer = await client.delete({ resourceType: 'Patient', id: patient.id })
  assert.ok([200, 204].includes(status(answer)))
  await fails(410, () => client.read({ resourceType: 'Patient', id: patient.id }))
  assert.equal((await client.search({ resourceType: 'Patient', searchParams: { identifier: `${system}|1` } })).total, 0)
  assert.equal((await client.vread({ resourceType: 'Patient', id: patient.id, version: 3 })).gender, 'female')
  const history = await client.history({ resourceType: 'Patient', id: patient.id })
  assert.deepEqual([history.entry[0].request.method, history.entry[0].resource], ['DELETE', undefined])
})

await check('errors are OperationOutcomes', async () => {
  await fails(404, () => client.read({ resourceType: 'Patient', id: 'no-such-patient' }))
  await fails(404, () => client.vread({ resourceType: 'Patient', id: shot.patient.reference.slice(8), version: 99 }))
  await fails(404, () => client.request('Patiënt/1'))
  await fails(400, () => client.search({ resourceType: 'Patient', searchParams: { 'no-such-parameter': 'x' } }))
  await fails(400, () => client.search({ resourceType: 'Patient', searchParams: { birthdate: 'yesterday' } }))
  await fails(400, () => client.create({ resourceType: 'Patient', body: '{"resourceType":"Patient",' }))
  await fails(400, () => client.create({ resourceType: 'Patient', body: { resourceType: 'Observation', status: 'final', code: { text: 'x' } } }))
  await fails(400, () => client.update({ resourceType: 'Patient', id: 'a', body: { resourceType: 'Patient', id: 'b' } }))
  await fails(415, () => client.create({ resourceType: 'Patient', body: 'hello', options: { headers: { 'content-type': 'text/plain' } } }))
})

console.log('done')
