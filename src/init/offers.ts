import type { Project } from './project.ts';

/** A file that `init` may write. */
export interface Offer {
  /** Below the project. */
  readonly path: string;
  readonly text: string;
}

/** What was asked for besides the files. */
export interface Wishes {
  /** Log records are sent. */
  readonly logs: boolean;
}

interface Template {
  readonly path: string;
  /** Below `templates/`; null where this project has no use for it. */
  source(project: Project): string | null;
  /** The templates run as they are: what differs in this project is put in as data. */
  fit?(text: string, project: Project, wishes: Wishes): string;
}

/** In the order in which they are shown. */
const templates: readonly Template[] = [
  {
    path: 'otel-run.config.yaml',
    source: ({ settings }) => (settings === null ? 'config/otel-run.config.yaml' : null),
    fit: (text, _, { logs }) => (logs ? text.replace(/^# (logs:)\n# ( +exporters: .*)$/m, '$1\n$2') : text),
  },
  {
    path: 'Dockerfile',
    source: ({ dockerfile, packageManager }) => (dockerfile === null ? `docker/${packageManager.name === 'bun' ? 'npm' : packageManager.name}/Dockerfile` : null),
    fit: (text, { command }) => text.replace(/^CMD .*$/m, () => `CMD ${execForm(command.words)}`),
  },
  {
    path: '.dockerignore',
    source: ({ dockerfile, files }) => (dockerfile === null && !files.has('.dockerignore') ? 'docker/dockerignore' : null),
  },
];

/** The files for a project. `read` gives the text of a template. */
export function chooseOffers(project: Project, wishes: Wishes, read: (source: string) => string): Offer[] {
  return templates.flatMap(({ path, source, fit }) => {
    const from = source(project);
    if (from === null || project.files.has(path)) return [];
    return [{ path, text: fit?.(read(from), project, wishes) ?? read(from) }];
  });
}

function execForm(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
}
