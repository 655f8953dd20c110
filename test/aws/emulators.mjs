// Starts the independent emulators of Kinesis and DynamoDB on free loopback ports, prints one line NAME=URL for each, and
// runs until its standard input ends: so they never outlive whoever started them.
import dynalite from 'dynalite'
import kinesalite from 'kinesalite'

const listen = (name, server) =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(`${name}=http://127.0.0.1:${server.address().port}`))
  })

const lines = await Promise.all([
  listen('SPOOR_TEST_KINESIS', kinesalite({ createStreamMs: 20, updateStreamMs: 50, deleteStreamMs: 20, shardLimit: 2000 })),
  listen('SPOOR_TEST_DYNAMODB', dynalite({ createTableMs: 20, updateTableMs: 20, deleteTableMs: 20 })),
])
// Kinesalite throws when a client hangs up amid a request, which clients may do.
process.on('uncaughtException', (err) => {
  if (err.code !== 'ECONNRESET') throw err
})
console.log(lines.join('\n'))
process.on('SIGINT', () => {}) // from the terminal: whoever started this still needs it
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
