; A program for Windows that does nothing: it stands for the real one where the installer is tried out on Linux.
;   makensis -DOUTFILE=sdstudio.exe stub.nsi
Target amd64-unicode
Unicode true
Name "SD Studio (stub)"
OutFile "${OUTFILE}"
RequestExecutionLevel user
SilentInstall silent
Section
SectionEnd
