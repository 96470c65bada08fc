/**
 * session-store: keeps the sessions of signed-in users in memory.
 *
 * Written for the Pinecrest booking site. Sessions are lost when the
 * process restarts; this was accepted to keep the module simple.
 * Maintainer: Tamsin Okoye
 */

import { randomBytes } from "node:crypto";

// A session ends after 40 minutes without a request.
const IDLE_MS = 40 * 60 * 1000;

// However busy it is, no session lives longer than 12 hours.
const MAX_AGE_MS = 12 * 60 * 60 * 1000;

// One user may be signed in on at most this many devices.
const MAX_PER_USER = 4;

export const COOKIE_NAME = "pc_sid";
const ID_BYTES = 24;

const sessions = new Map();

/** Opens a session and returns its id. */
export function open(userId, now = Date.now()) {
  const own = [...sessions].filter(([, s]) => s.userId === userId);
  if (own.length >= MAX_PER_USER) {
    // The session that was used least recently has to go.
    own.sort((a, b) => a[1].lastSeen - b[1].lastSeen);
    sessions.delete(own[0][0]);
  }
  const id = randomBytes(ID_BYTES).toString("hex");
  sessions.set(id, { userId, created: now, lastSeen: now });
  return id;
}

/** Returns the user id of a live session, or null if it has expired. */
export function touch(id, now = Date.now()) {
  const s = sessions.get(id);
  if (!s) return null;
  if (now - s.lastSeen > IDLE_MS || now - s.created > MAX_AGE_MS) {
    sessions.delete(id);
    return null;
  }
  s.lastSeen = now;
  return s.userId;
}

/** Signs a user out everywhere; called after a change of password. */
export function closeAll(userId) {
  for (const [id, s] of sessions) {
    if (s.userId === userId) sessions.delete(id);
  }
}

/** Removes expired sessions. The server calls this every 90 seconds. */
export function sweep(now = Date.now()) {
  for (const id of [...sessions.keys()]) {
    const s = sessions.get(id);
    if (now - s.lastSeen > IDLE_MS) sessions.delete(id);
  }
}
