/** What views share: the photo and the last search stay while the user looks around. */
export const session = { photo: null, search: {} };
