import { describe, expect, it } from 'vitest';
import { href, parseRoute } from './route';

describe('routes', () => {
  it('begins with the projects', () => {
    for (const empty of ['', '#', '#/']) expect(parseRoute(empty).screen).toBe('projects');
  });

  it('comes back as it went', () => {
    const address = href('annotate', ['a b/c', 'ü'], { split: 'test', none: undefined, empty: '' });
    expect(address).toBe('#/annotate/a%20b%2Fc/%C3%BC?split=test');
    expect(parseRoute(address)).toEqual({
      screen: 'annotate',
      args: ['a b/c', 'ü'],
      query: { split: 'test' },
    });
  });

  it('bears a broken address', () => {
    expect(parseRoute('#/data/%E0%A4%A').args).toEqual(['%E0%A4%A']);
  });
});
