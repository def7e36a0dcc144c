// A store in a folder: the bytes of a file are in ID, what is known of it in ID.json; a file on its
// way in is ID.part.
#ifndef UPLOAD_STORE_FOLDER_H
#define UPLOAD_STORE_FOLDER_H

#include "store.h"

// Makes the folder when it is missing, and removes what a server that was killed left unfinished
// there.  Fails when another server has the folder.
bool store_folder_open(struct store **out, const char *path, struct err *e);

#endif
