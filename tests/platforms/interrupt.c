/* Ctrl-C for programs on Windows, in one console.

   interrupt.exe PROGRAM ARGUMENT…   runs PROGRAM; each line of input is Ctrl-C for both. Ends as it does.
   interrupt.exe                     says `ready`; at Ctrl-C says `interrupted` and ends with 42. */

#include <stdio.h>
#include <windows.h>

static HANDLE asked;

static BOOL WINAPI note(DWORD event) {
    (void)event;
    SetEvent(asked);
    return TRUE;
}

static DWORD WINAPI press(void *unused) {
    char line[16];
    (void)unused;
    while (fgets(line, sizeof line, stdin)) GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
    return 0;
}

static int fail(const char *what) {
    fprintf(stderr, "interrupt: %s: error %lu\n", what, GetLastError());
    return 99;
}

int main(int count, char **arguments) {
    asked = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (count < 2) {
        SetConsoleCtrlHandler(note, TRUE);
        puts("ready");
        fflush(stdout);
        WaitForSingleObject(asked, INFINITE);
        puts("interrupted");
        return 42;
    }
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE), err = GetStdHandle(STD_ERROR_HANDLE);
    /* With pipes for streams there may be no console, and so no Ctrl-C. */
    FreeConsole();
    if (!AllocConsole()) return fail("no console");
    SetConsoleCtrlHandler(NULL, FALSE);
    SetConsoleCtrlHandler(note, TRUE);
    STARTUPINFOA how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES, .hStdInput = NULL, .hStdOutput = out, .hStdError = err};
    SetHandleInformation(out, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    SetHandleInformation(err, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    (void)in;
    /* The command line after this program's name; no argument of the tests has a blank. */
    char line[4096] = "";
    for (int i = 1; i < count; i++) {
        strcat(line, arguments[i]);
        strcat(line, " ");
    }
    PROCESS_INFORMATION child;
    if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &how, &child)) return fail(line);
    CreateThread(NULL, 0, press, NULL, 0, NULL);
    WaitForSingleObject(child.hProcess, INFINITE);
    DWORD code = 99;
    GetExitCodeProcess(child.hProcess, &code);
    return (int)code;
}
