// A bundle from this computer, straight into the bucket by links that the page's server hands out. What is there is not sent again.
(() => {
  'use strict';

  const place = document.querySelector('[data-upload]');
  if (!place) return;
  const MOST_FILES = 1000;
  // The server reads no longer question.
  const MOST_CHARACTERS = 40000;
  // No more than a slow line brings while links are valid.
  const MOST_BYTES = 256 * 1024 * 1024;
  const AT_ONCE = 4;
  const TRIES = 5;
  const meter = place.querySelector('[data-upload-meter]');
  const words = place.querySelector('[data-upload-words]');
  const said = place.querySelector('[data-upload-said]');
  const inputs = place.querySelectorAll('input[type=file]');
  let busy = false;
  // Of the bundle’s PREFLIGHT.json: by it the server tells it from another one.
  let preflight;
  // A whole folder, and not one file of it.
  place.querySelector('#folder').webkitdirectory = true;
  place.hidden = false;

  const pause = (attempt) => new Promise((done) => { setTimeout(done, 500 * 2 ** attempt); });
  const size = (bytes) => {
    // As the pages have them (`pages::servers::words::bytes`): 1 KB is 1024 bytes.
    const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
    let unit = 0;
    let count = bytes;
    while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
    return `${Math.floor(count * 10) / 10} ${units[unit]}`;
  };
  const show = (done, all) => {
    meter.hidden = false;
    meter.querySelector('meter').value = all ? done / all : 1;
    words.textContent = `${size(done)} of ${size(all)}`;
  };

  // Notes of the run that wrote a folder begin with a point.
  const ofFolder = (files) => [...files]
    .map((blob) => ({ path: blob.webkitRelativePath.split('/').slice(1).join('/'), blob }))
    .filter((it) => it.path && !it.path.startsWith('.'));

  // A tar's members: ustar, with pax headers or GNU's for long names, and sizes in base 256. The server checks every name again.
  const text = (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, (bytes.indexOf(0) + 1 || bytes.length + 1) - 1));
  const number = (bytes) => {
    if (bytes[0] & 0x80) return bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return parseInt(text(bytes).trim() || '0', 8);
  };
  const pax = (bytes) => {
    const told = {};
    const whole = new TextDecoder('utf-8', { fatal: true });
    for (let at = 0; at < bytes.length && bytes[at];) {
      const space = bytes.indexOf(32, at);
      const length = parseInt(whole.decode(bytes.subarray(at, space)), 10);
      if (!(length > 0) || space < 0) throw new Error('its headers can’t be read');
      const [key, ...value] = whole.decode(bytes.subarray(space + 1, at + length - 1)).split('=');
      told[key] = value.join('=');
      at += length;
    }
    return told;
  };
  const ofTar = async (file) => {
    const found = [];
    const read = async (from, length) => new Uint8Array(await file.slice(from, from + length).arrayBuffer());
    let told = {};
    for (let at = 0; at + 512 <= file.size;) {
      const header = await read(at, 512);
      if (header.every((it) => it === 0)) return found;
      if (text(header.subarray(257, 262)) !== 'ustar') throw new Error('it is no tar of a bundle');
      const bytes = told.size ? Number(told.size) : number(header.subarray(124, 136));
      const begin = at + 512;
      const end = begin + bytes;
      if (!Number.isSafeInteger(end) || end > file.size) throw new Error('it is cut short');
      const kind = String.fromCharCode(header[156] || 48);
      if (kind === 'x') {
        if (bytes > 1 << 20) throw new Error('its headers can’t be read');
        told = pax(await read(begin, bytes));
      } else if (kind === 'L') {
        if (bytes > 4096) throw new Error('its headers can’t be read');
        told = { ...told, path: text(await read(begin, bytes)) };
      } else {
        if (kind === '0') {
          const before = text(header.subarray(345, 500));
          const name = text(header.subarray(0, 100));
          const path = (told.path || (before ? `${before}/${name}` : name)).replace(/^\.\//, '');
          if (!path.startsWith('.')) found.push({ path, blob: file.slice(begin, end) });
        } else if (kind !== '5' && kind !== 'g') {
          throw new Error('it has links or special files in it');
        }
        told = {};
      }
      at = begin + Math.ceil(bytes / 512) * 512;
    }
    return found;
  };

  const portions = (files) => {
    const all = [];
    let now = [];
    let bytes = 0;
    let characters = 0;
    for (const file of files) {
      const length = new TextEncoder().encode(file.path).length + 50;
      if (now.length && (now.length === MOST_FILES || bytes >= MOST_BYTES || characters + length > MOST_CHARACTERS)) {
        all.push(now);
        [now, bytes, characters] = [[], 0, 0];
      }
      now.push(file);
      bytes += file.blob.size;
      characters += length;
    }
    if (now.length) all.push(now);
    return all;
  };

  const offer = async (files) => {
    const body = JSON.stringify({ files: files.map(({ path, blob }) => ({ path, bytes: blob.size })), preflight_sha256: preflight });
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt + 1 >= TRIES;
      try {
        const answer = await fetch(place.dataset.upload, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body });
        if (answer.redirected) throw Object.assign(new Error('please sign in again'), { lasts: true });
        if (answer.ok) return (await answer.json()).files;
        if (answer.status < 500 && answer.status !== 429) throw Object.assign(new Error(await why(answer)), { lasts: true });
        if (last) throw new Error(await why(answer));
      } catch (error) {
        if (error.lasts || last) throw error;
      }
      await pause(attempt);
    }
  };
  const why = async (answer) => {
    try {
      return (await answer.json()).detail;
    } catch {
      return `it answered ${answer.status}`;
    }
  };

  // True once it is there; false where its link has ended.
  const put = async (piece) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await fetch(piece.url, { method: 'PUT', body: piece.blob, credentials: 'omit', referrerPolicy: 'no-referrer' });
        if (answer.ok) return true;
        if (answer.status === 403) return false;
        if (answer.status < 500 && answer.status !== 429) throw Object.assign(new Error(`the store answered ${answer.status}`), { lasts: true });
        if (attempt + 1 >= TRIES) throw new Error(`the store answered ${answer.status}`);
      } catch (error) {
        if (error.lasts || attempt + 1 >= TRIES) throw error;
      }
      await pause(attempt);
    }
  };

  // Until all of them are there: what goes in parts, and whose link has ended, is announced again. Links that never open are a bucket's refusal.
  const bring = async (files, progress) => {
    let vain = 0;
    for (let left = files; left.length;) {
      const again = new Set();
      const pieces = [];
      (await offer(left)).forEach((offered, index) => {
        const file = left[index];
        if (offered.parts && offered.parts.length) {
          again.add(file);
          file.put = file.put || 0;
          offered.parts.forEach((part) => pieces.push({ file, url: part.url, blob: file.blob.slice(part.offset, part.offset + part.bytes) }));
        } else if (offered.url) {
          pieces.push({ file, url: offered.url, blob: file.blob });
        } else {
          progress(file.blob.size - (file.put || 0));
        }
      });
      let done = 0;
      const next = async () => {
        for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
          if (await put(piece)) {
            done += 1;
            progress(piece.blob.size);
            if (again.has(piece.file)) piece.file.put += piece.blob.size;
          } else {
            // Links of one answer end together.
            [piece, ...pieces.splice(0)].forEach((it) => again.add(it.file));
          }
        }
      };
      const any = pieces.length > 0;
      await Promise.all(Array.from({ length: AT_ONCE }, next));
      vain = any && !done ? vain + 1 : 0;
      if (vain >= TRIES) throw new Error('the store refuses the links');
      if (vain) await pause(vain);
      left = left.filter((it) => again.has(it));
    }
  };

  const digest = async (blob) => {
    const bytes = new Uint8Array(await window.crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
    return [...bytes].map((it) => it.toString(16).padStart(2, '0')).join('');
  };

  const begin = async (files) => {
    const manifest = files.filter((it) => it.path === 'MANIFEST.json');
    if (!manifest.length) throw new Error('there is no MANIFEST.json in it: it is no bundle, or was never finished');
    const first = files.find((it) => it.path === 'PREFLIGHT.json');
    // Browsers have digests on https pages alone, and on this machine’s own.
    preflight = first && window.crypto.subtle ? await digest(first.blob) : undefined;
    const others = files.filter((it) => it.path !== 'MANIFEST.json');
    const all = files.reduce((sum, it) => sum + it.blob.size, 0);
    let done = 0;
    const progress = (bytes) => {
      done += bytes;
      show(done, all);
    };
    show(0, all);
    // What has no manifest is not whole: it goes last.
    for (const portion of [...portions(others), manifest]) await bring(portion, progress);
  };

  const leave = (event) => { event.preventDefault(); };
  inputs.forEach((input) => input.addEventListener('change', async () => {
    if (busy || !input.files.length) return;
    busy = true;
    inputs.forEach((it) => { it.disabled = true; });
    window.addEventListener('beforeunload', leave);
    said.textContent = 'Looking at what is there …';
    try {
      await begin(input.id === 'folder' ? ofFolder(input.files) : await ofTar(input.files[0]));
      said.textContent = 'All of it is there. Look into it below.';
    } catch (error) {
      said.textContent = `It broke off: ${error.message}. What has arrived stays: choose the same again to go on.`;
    }
    window.removeEventListener('beforeunload', leave);
    inputs.forEach((it) => { it.disabled = false; it.value = ''; });
    busy = false;
  }));
})();
