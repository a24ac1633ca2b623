import './bad.json' with { type: 'json' };
