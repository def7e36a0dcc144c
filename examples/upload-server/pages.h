// Pages of the program's and the libraries' files that starting up brought in.
#ifndef UPLOAD_PAGES_H
#define UPLOAD_PAGES_H

// Unmaps those that cannot have been changed; what is needed comes back from the page cache when it
// is touched.  Some thirty libraries' relocation and initialization count as 7 MB of the process's
// memory that serving never looks at again.
void pages_return(void);

#endif
