import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../../scripts/setup/command.mjs';

export type Certificates = {
  /** What a client must trust. */
  readonly ca: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
};

/** Makes an authority of one day in `dir`, and with it `server.{pem,key}` for loopback and `client.{pem,key}`. */
export async function makeCertificates(openssl: string, dir: string): Promise<Certificates> {
  const run = (...args: string[]): Promise<string> => runCommand(openssl, args, { cwd: dir });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  writeFileSync(path.join(dir, 'names.txt'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await run('req', '-x509', ...newKey, '-days', '1', '-subj', '/CN=otel-run test authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  for (const name of ['server', 'client']) {
    await run('req', '-new', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names.txt'];
    await run('x509', '-req', '-days', '1', ...authority, '-in', `${name}.csr`, '-out', `${name}.pem`);
  }
  return {
    ca: path.join(dir, 'ca.pem'),
    clientCertificate: path.join(dir, 'client.pem'),
    clientKey: path.join(dir, 'client.key'),
  };
}
