// Amazon's own code for aggregated records, as a program for kpl_test.go: it reads a JSON object from standard input and
// writes one to standard output.
//
//   {"split": [base64, …]}                          -> {"split": [{"error": text} | {"records": [{key, data}, …]}, …]}
//   {"join": [{partitionKey, explicitHashKey, data}, …]} -> {"joined": [{partitionKey, data}, …]}
import agg from 'aws-kinesis-agg'
import { text } from 'node:stream/consumers'

const asked = JSON.parse(await text(process.stdin))
const out = {}

if (asked.split) {
  out.split = asked.split.map((data) => {
    let answer
    const record = { partitionKey: 'outer', sequenceNumber: '1', data }
    agg.deaggregateSync(record, true, (err, records) => {
      answer = err
        ? { error: String(err.message ?? err) }
        : (answer ?? { records: records.map((r) => ({ key: r.partitionKey, data: Buffer.from(r.data, 'base64').toString('base64') })) })
    })
    return answer
  })
}

if (asked.join) {
  out.joined = []
  const aggregator = new agg.RecordAggregator((err, encoded) => {
    if (err) throw err
    if (encoded) out.joined.push({ partitionKey: encoded.partitionKey, data: Buffer.from(encoded.data).toString('base64') })
  })
  aggregator.aggregateRecords(
    asked.join.map((r) => ({ partitionKey: r.partitionKey, explicitHashKey: r.explicitHashKey, data: Buffer.from(r.data, 'base64') })),
    true,
  )
}

console.log(JSON.stringify(out))
