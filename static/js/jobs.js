/** Several failed jobs, sent again at once. */

export function bulkRetry() {}
