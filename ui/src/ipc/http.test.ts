import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from './adapter';
import { COMMANDS } from './generated/commands';
import { exchangeCode, HttpAdapter, httpRequest } from './http';

afterEach(() => vi.unstubAllGlobals());

const answering = (body: unknown, status = 200): ReturnType<typeof vi.fn> => {
  const fetch = vi.fn(() => Promise.resolve(new Response(JSON.stringify(body), { status })));
  vi.stubGlobal('fetch', fetch);
  return fetch;
};

describe('httpRequest', () => {
  it('puts places into the path and the rest into the query of a GET', () => {
    expect(httpRequest('dataset_versions', { id: 'd/1', limit: 20, cursor: undefined })).toEqual({
      method: 'GET',
      url: '/api/v1/datasets/d%2F1/versions?limit=20',
    });
  });

  it('puts the rest into the body otherwise', () => {
    const { method, url, body } = httpRequest('label_merge', { id: 'a', into: 'b' });
    expect([method, url, body]).toEqual(['POST', '/api/v1/labels/a/merge', '{"into":"b"}']);
  });

  it('keeps null in a body: it means "none"', () => {
    expect(httpRequest('samples_set_label', { sample_ids: ['s'], label_id: null }).body).toBe(
      '{"sample_ids":["s"],"label_id":null}',
    );
  });

  it('writes lists of a query with commas', () => {
    expect(httpRequest('sample_list', { dataset_id: 'd', splits: ['train', 'val'] }).url).toBe(
      '/api/v1/samples?dataset_id=d&splits=train%2Cval',
    );
  });

  it('leaves no place unfilled for any command', () => {
    for (const name of Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]) {
      const request = Object.fromEntries(COMMANDS[name].pathParams.map((place) => [place, 'x']));
      expect(httpRequest(name, request).url).not.toMatch(/[{}]|\/\//);
    }
  });
});

describe('call', () => {
  it('gives the answer', async () => {
    answering({ theme: 'dark', language: '', thumbnail_px: 0, cuda_folder: '' });
    expect((await new HttpAdapter().call('settings_get', {})).theme).toBe('dark');
  });

  it('turns an error of the wire into an ApiError', async () => {
    answering({ code: 'conflict', message: 'taken' }, 409);
    const error = await new HttpAdapter().call('project_create', { name: 'a' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'conflict', message: 'taken' });
  });

  it('says offline where there is no answer, and internal where it makes no sense', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')));
    await expect(new HttpAdapter().call('settings_get', {})).rejects.toMatchObject({ code: 'offline' });
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { status: 502 })));
    await expect(new HttpAdapter().call('settings_get', {})).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('exchangeCode', () => {
  const place = (hash: string): Location => ({ hash, pathname: '/', search: '' }) as Location;

  it('signs in with the code and takes it out of the address first', async () => {
    const fetch = answering({});
    const replaceState = vi.fn();
    await exchangeCode(place('#code=abc%2F1'), { replaceState } as unknown as History);
    expect(replaceState).toHaveBeenCalledWith(null, '', '/#/');
    expect(fetch).toHaveBeenCalledWith(
      '/api/v1/auth/exchange',
      expect.objectContaining({ method: 'POST', body: '{"code":"abc/1"}' }),
    );
  });

  it('does nothing without a code', async () => {
    const fetch = answering({});
    await exchangeCode(place('#/data/x'), { replaceState: vi.fn() } as unknown as History);
    expect(fetch).not.toHaveBeenCalled();
  });

  it('fails where the code was used before', async () => {
    answering({ code: 'unauthorized', message: 'used' }, 401);
    await expect(
      exchangeCode(place('#code=a'), { replaceState: vi.fn() } as unknown as History),
    ).rejects.toMatchObject({ code: 'unauthorized' });
  });
});
